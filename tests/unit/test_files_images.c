/* SPDX-License-Identifier: MIT
 * What files/ says to images it should not believe.
 */
#include "tests/unit/files_fixture.h"
#include "tests/unit/corpus.h"

static void plain(struct set *s)
{
	(void)s;
}
static void relative_path(struct set *s)
{
	static char path[] = "etc/passwd";
	s->reg.name = path;
}
static void empty_path(struct set *s)
{
	static char path[] = "";
	s->reg.name = path;
}
static void no_fields(struct set *s)
{
	s->file.reg = NULL;
}
static void wrong_inner_id(struct set *s)
{
	s->reg.id = 9;
}
static void bad_owner(struct set *s)
{
	s->fown.pid_type = 7;
}
static void bad_signal(struct set *s)
{
	s->fown.signum = 65;
}
static void external(struct set *s)
{
	s->reg.has_ext = s->reg.ext = true;
}
static void twice(struct set *s)
{
	s->second = s->file;
}
static void unknown_file(struct set *s)
{
	s->fd.id = 5;
}
static void unknown_cwd(struct set *s)
{
	s->fs.cwd_id = 77;
}
static void other_type(struct set *s)
{
	s->fd.type = FD_TYPES__PIPE;
}
static void fd_too_big(struct set *s)
{
	s->fd.fd = 0x40000000;
}
static void fd_above_limit(struct set *s)
{
	s->fd.fd = 0x3fffffff;
}
static void fd_twice(struct set *s)
{
	s->fd2 = s->fd;
}
static void bad_umask(struct set *s)
{
	s->fs.has_umask = true;
	s->fs.umask = 01000;
}
static void type_needed(struct set *s)
{
	s->second.type = FD_TYPES__EXT;
	s->second.id = s->fd2.id = 2;
	s->fd2.fd = 4;
	s->fd2.type = FD_TYPES__EXT;
}
static void type_unused(struct set *s)
{
	s->second.type = FD_TYPES__EXT;
	s->second.id = 2;
}
static void use_pipe(struct set *s)
{
	s->second.id = s->fd2.id = s->pipe.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__PIPE;
	s->second.pipe = &s->pipe;
	s->pipe.pipe_id = 44;
	s->fd2.fd = 4;
}
static void remap(struct set *s, RemapType type, uint32_t id)
{
	s->remap.orig_id = 1;
	s->remap.remap_id = id;
	s->remap.has_remap_type = true;
	s->remap.remap_type = type;
}
static void ghost_missing(struct set *s)
{
	remap(s, REMAP_TYPE__GHOST, 7);
}
static void remap_unknown(struct set *s)
{
	remap(s, REMAP_TYPE__GHOST, 7);
	s->remap.orig_id = 9;
}
static void remap_kind(struct set *s)
{
	remap(s, (RemapType)9, 7);
}
static void remap_pipe(struct set *s)
{
	use_pipe(s);
	remap(s, REMAP_TYPE__LINKED, 1);
	s->remap.orig_id = 2;
}
static void link_unknown(struct set *s)
{
	remap(s, REMAP_TYPE__LINKED, 7);
}
static void link_gone(struct set *s)
{
	static char path[] = "/none/link_remap.2";
	static RegFileEntry to;
	reg_file_entry__init(&to);
	to.id = s->second.id = 2;
	to.name = path;
	to.fown = &s->fown;
	s->second.type = FD_TYPES__REG;
	s->second.reg = &to;
	remap(s, REMAP_TYPE__LINKED, 2);
}
static void dead_pid_elsewhere(struct set *s)
{
	static char path[] = "/proc/77/status";
	s->reg.name = path;
	remap(s, REMAP_TYPE__PROCFS, 78);
}
static void dead_pid_taken(struct set *s)
{
	static char path[] = "/proc/1/status";
	s->reg.name = path;
	remap(s, REMAP_TYPE__PROCFS, 1);
}
/* A ghost of a kind, its entry changed by the case. */
static void ghost_of(struct set *s, uint32_t mode, uint64_t size, uint64_t off, uint64_t len)
{
	static char path[64];
	snprintf(path, sizeof(path), "%s/deep/gone", s->dir);
	s->reg.name = path;
	remap(s, REMAP_TYPE__GHOST, 7);
	s->ghost.mode = mode;
	s->ghost.has_chunks = s->ghost.chunks = s->ghost.has_size = true;
	s->ghost.size = size;
	s->chunk.off = off;
	s->chunk.len = len;
}
static void ghost_plain(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, 4096, 4096);
}
static void ghost_chunk_far(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, 8192, 4096);
}
static void ghost_chunk_overflow(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, UINT64_MAX, 4096);
}
static void ghost_chunk_short(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, 0, 8192);
}
static void ghost_size(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, UINT64_MAX, 0, 4096);
}
static void ghost_mode(struct set *s)
{
	ghost_of(s, 0600, 0, 0, 4096);
}
static void other_mode(struct set *s)
{
	s->reg.has_mode = true;
	s->reg.mode = S_IFREG | 0644;
}
static void other_build(struct set *s)
{
	static uint32_t words[] = { 1, 2, 3, 4, 5 };
	static char path[] = "/proc/self/exe";
	s->reg.name = path;
	s->reg.n_build_id = ARRAY_SIZE(words);
	s->reg.build_id = words;
}
static void huge_build(struct set *s)
{
	static uint32_t words[200];
	s->reg.n_build_id = ARRAY_SIZE(words);
	s->reg.build_id = words;
}
static void use_unix(struct set *s)
{
	s->second.id = s->fd2.id = s->sk.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__UNIXSK;
	s->second.usk = &s->sk;
	s->fd2.fd = 1;
	s->sk.ino = 4711;
	s->sk.type = SOCK_DGRAM;
	s->sk.state = TCP_CLOSE;
	s->sk.fown = &s->fown;
	s->sk.opts = &s->opts;
}
static void unix_type(struct set *s)
{
	use_unix(s);
	s->sk.type = 9;
}
static void unix_name(struct set *s)
{
	static uint8_t name[200];
	use_unix(s);
	s->sk.name = (ProtobufCBinaryData){ sizeof(name), name };
}
static void unix_peer(struct set *s)
{
	use_unix(s);
	s->sk.peer = 12;
}
static void unix_cred(struct set *s)
{
	static UnixCredEntry peer = UNIX_CRED_ENTRY__INIT;
	use_unix(s);
	peer.has_pid = true;
	peer.pid = 0x80000000;
	s->sk.peer_cred = &peer;
}
static void unix_own_cred(struct set *s)
{
	static UnixCredEntry own = UNIX_CRED_ENTRY__INIT;
	static uint32_t groups[65537];
	use_unix(s);
	own.groups = groups;
	own.n_groups = ARRAY_SIZE(groups);
	s->sk.own_cred = &own;
}
static void unix_twice(struct set *s)
{
	use_unix(s);
	s->file.type = s->fd.type = FD_TYPES__UNIXSK;
	s->file.reg = NULL;
	s->file.usk = &s->sk2;
	s->sk2 = s->sk;
	s->sk2.id = 1;
}
static void unix_name_taken(struct set *s)
{
	static uint8_t name[] = "/etc/passwd";
	use_unix(s);
	s->sk.name = (ProtobufCBinaryData){ sizeof(name), name };
}

static void use_inet(struct set *s)
{
	static uint32_t src[4] = { 0x0100007f }, dst[4];
	s->second.id = s->fd2.id = s->inet.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__INETSK;
	s->second.isk = &s->inet;
	s->fd2.fd = 1;
	s->inet.ino = 0x4711;
	s->inet.family = AF_INET;
	s->inet.type = SOCK_STREAM;
	s->inet.proto = IPPROTO_TCP;
	s->inet.state = TCP_CLOSE;
	s->inet.src_addr = src;
	s->inet.dst_addr = dst;
	s->inet.n_src_addr = s->inet.n_dst_addr = 1;
	s->inet.fown = &s->fown;
	s->inet.opts = &s->opts;
}
static void inet_no_fields(struct set *s)
{
	use_inet(s);
	s->second.isk = NULL;
}
static void inet_inner_id(struct set *s)
{
	use_inet(s);
	s->inet.id = 8;
}
static void inet_family(struct set *s)
{
	use_inet(s);
	s->inet.family = AF_NETLINK;
}
static void inet_type(struct set *s)
{
	use_inet(s);
	s->inet.type = SOCK_SEQPACKET;
}
static void inet_address(struct set *s)
{
	use_inet(s);
	s->inet.family = AF_INET6;
}
static void inet_port(struct set *s)
{
	use_inet(s);
	s->inet.src_port = 65536;
}
static void inet_state(struct set *s)
{
	use_inet(s);
	s->inet.state = 12;
}
static void inet_request(struct set *s)
{
	use_inet(s);
	s->inet.state = TCP_SYN_RECV;
}
static void inet_udp_listens(struct set *s)
{
	use_inet(s);
	s->inet.type = SOCK_DGRAM;
	s->inet.proto = IPPROTO_UDP;
	s->inet.state = TCP_LISTEN;
}
static void inet_one_end(struct set *s)
{
	use_inet(s);
	s->inet.state = TCP_ESTABLISHED;
}
static void inet_filter(struct set *s)
{
	static uint32_t words[9];
	static IpOptsRawEntry raw;
	static IpOptsEntry ip;
	use_inet(s);
	ip_opts_entry__init(&ip);
	ip_opts_raw_entry__init(&raw);
	s->inet.type = SOCK_RAW;
	s->inet.proto = IPPROTO_ICMP;
	s->inet.ip_opts = &ip;
	ip.raw = &raw;
	raw.icmpv_filter = words;
	raw.n_icmpv_filter = ARRAY_SIZE(words);
}
static void inet_options(struct set *s)
{
	use_inet(s);
	s->opts.so_sndbuf = 0x80000000;
}
static void use_packet(struct set *s)
{
	s->second.id = s->fd2.id = s->packet.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__PACKETSK;
	s->second.psk = &s->packet;
	s->fd2.fd = 1;
	s->packet.fown = &s->fown;
	s->packet.opts = &s->opts;
	s->packet.type = SOCK_DGRAM;
}
static void packet_type(struct set *s)
{
	use_packet(s);
	s->packet.type = SOCK_STREAM;
}
static void packet_no_fields(struct set *s)
{
	use_packet(s);
	s->second.psk = NULL;
}
static void packet_address(struct set *s)
{
	static uint8_t address[33];
	static PacketMclist member, *members[] = { &member };
	use_packet(s);
	packet_mclist__init(&member);
	member.addr = (ProtobufCBinaryData){ sizeof(address), address };
	s->packet.mclist = members;
	s->packet.n_mclist = 1;
}
static void use_netlink(struct set *s)
{
	s->second.id = s->fd2.id = s->netlink.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__NETLINKSK;
	s->second.nlsk = &s->netlink;
	s->fd2.fd = 1;
	s->netlink.fown = &s->fown;
	s->netlink.opts = &s->opts;
}
static void netlink_no_fields(struct set *s)
{
	use_netlink(s);
	s->second.nlsk = NULL;
}
static void netlink_groups(struct set *s)
{
	static uint32_t groups[65];
	use_netlink(s);
	s->netlink.groups = groups;
	s->netlink.n_groups = ARRAY_SIZE(groups);
}
static void netlink_protocol(struct set *s)
{
	use_netlink(s);
	s->netlink.protocol = 77;
}
static void use_more(struct set *s, uint32_t level, uint32_t option, uint8_t *value, size_t len)
{
	static SkOptionEntry more, *list[] = { &more };
	use_inet(s);
	sk_option_entry__init(&more);
	more.level = level;
	more.option = option;
	more.value = (ProtobufCBinaryData){ len, value };
	s->opts.more = list;
	s->opts.n_more = 1;
}
static void more_known(struct set *s)
{
	static int syncnt = 4;
	use_more(s, SOL_TCP, TCP_SYNCNT, (uint8_t *)&syncnt, sizeof(syncnt));
}
static void more_unknown(struct set *s)
{
	static uint8_t value[4];
	use_more(s, SOL_SOCKET, SO_ATTACH_FILTER, value, sizeof(value));
}
static void more_long(struct set *s)
{
	static uint8_t value[2049];
	use_more(s, SOL_TCP, TCP_SYNCNT, value, sizeof(value));
}
static void more_group(struct set *s)
{
	static struct group_filter filter = { .gf_numsrc = 2 };
	use_more(s, SOL_IP, MCAST_MSFILTER, (uint8_t *)&filter, sizeof(filter));
}
static void use_connection(struct set *s)
{
	use_inet(s);
	s->inet.state = TCP_ESTABLISHED;
	s->inet.src_port = 80;
	s->inet.dst_port = 4000;
	s->tcp.has_unsq_len = true;
	s->established = s->stream = true;
}
static void tcp_not_asked(struct set *s)
{
	use_connection(s);
	s->established = false;
}
static void tcp_no_stream(struct set *s)
{
	use_connection(s);
	s->stream = false;
}
static void tcp_queue_short(struct set *s)
{
	use_connection(s);
	s->tcp.outq_len = 5;
}
static void tcp_queue_huge(struct set *s)
{
	use_connection(s);
	s->tcp.inq_len = UINT32_MAX;
}
static void tcp_unsent(struct set *s)
{
	use_connection(s);
	s->tcp.unsq_len = 1;
}
static void tcp_no_unsent(struct set *s)
{
	use_connection(s);
	s->tcp.has_unsq_len = false;
}
static void tcp_no_scale(struct set *s)
{
	use_connection(s);
	s->tcp.opt_mask = TCPI_OPT_WSCALE;
}
static void tcp_no_timestamp(struct set *s)
{
	use_connection(s);
	s->tcp.opt_mask = TCPI_OPT_TIMESTAMPS;
}

static void pipe_payload_missing(struct set *s)
{
	use_pipe(s);
	s->data.pipe_id = 44;
	s->data.bytes = 1000;
}
static void pipe_payload_huge(struct set *s)
{
	use_pipe(s);
	s->data.pipe_id = 44;
	s->data.bytes = 0x90000000;
}

static const struct set_case cases[] = {
	{ "plain", plain, 0, "" },
	{ "relative path", relative_path, -EBADMSG, "file id 1: path \"etc/passwd\" is not absol" },
	{ "empty path", empty_path, -EBADMSG, "is not absolute" },
	{ "no fields", no_fields, -EBADMSG, "file id 1: regular file without its fields" },
	{ "wrong inner id", wrong_inner_id, -EBADMSG, "id 1 inside says 9" },
	{ "bad owner", bad_owner, -EBADMSG, "owner is of type 7" },
	{ "bad signal", bad_signal, -EBADMSG, "signal is 65" },
	{ "external", external, -EINVAL, "was left out with --external" },
	{ "twice", twice, -EBADMSG, "file id 1 stands twice" },
	{ "unknown file", unknown_file, -EBADMSG, "fd 0 is file id 5, which files.img has not" },
	{ "unknown cwd", unknown_cwd, -EBADMSG,
	  "file id 77 (pid 12 (?): current directory) is missing from files.img" },
	{ "other type", other_type, -EBADMSG, "of type 2 here, 1 there" },
	{ "fd too big", fd_too_big, -EBADMSG, "out of range" },
	{ "fd above limit", fd_above_limit, -EMFILE, "the hard limit of open files is" },
	{ "fd twice", fd_twice, -EBADMSG, "fd 0 stands twice" },
	{ "bad umask", bad_umask, -EBADMSG, "umask 01000" },
	{ "type needed", type_needed, -ENOTSUP, "(pid 12 (?): fd 4) is of type EXT: not sup" },
	{ "type unused", type_unused, 0, "" },
	{ "ghost missing", ghost_missing, -ENOENT, "ghost-file-7.img" },
	{ "remap unknown", remap_unknown, -EBADMSG, "file id 9 is not in files.img" },
	{ "remap kind", remap_kind, -EBADMSG, "file id 1: unknown kind 9" },
	{ "remap pipe", remap_pipe, -EBADMSG, "file id 2 is no file with a path" },
	{ "link unknown", link_unknown, -EBADMSG, "as file id 7, which is not in files.img" },
	{ "link gone", link_gone, -ENOENT, "/none/link_remap.2, which the dump has made" },
	{ "dead pid elsewhere", dead_pid_elsewhere, -EBADMSG, "is no file of process 78" },
	{ "dead pid taken", dead_pid_taken, -EEXIST, "pid 1 is taken" },
	{ "ghost plain", ghost_plain, 0, "" },
	{ "ghost chunk far", ghost_chunk_far, -EBADMSG, "4096 bytes at 8192 are not in the file" },
	{ "ghost chunk overflow", ghost_chunk_overflow, -EBADMSG, "are not in the file" },
	{ "ghost chunk short", ghost_chunk_short, -EBADMSG, "ghost-file-7.img" },
	{ "ghost size", ghost_size, -EBADMSG, "size 18446744073709551615" },
	{ "ghost mode", ghost_mode, -EBADMSG, "mode 0600 is no kind of file" },
	{ "other mode", other_mode, -ESTALE, "/: mode is 0" },
	{ "other build", other_build, -ESTALE, "was 0100000002000000030000000400000005000000 at" },
	{ "huge build", huge_build, -EBADMSG, "build id of 200 words" },
	{ "pipe", use_pipe, 0, "" },
	{ "unix socket", use_unix, 0, "" },
	{ "unix type", unix_type, -EBADMSG, "unix socket of type 9" },
	{ "unix name", unix_name, -EBADMSG, "unix socket with a name of 200 bytes" },
	{ "unix peer", unix_peer, -EBADMSG, "its peer 12 is not in files.img" },
	{ "unix cred", unix_cred, -EBADMSG, "pid 2147483648 in 0 groups as its peer" },
	{ "unix own cred", unix_own_cred, -EBADMSG, "pid 0 in 65537 groups as its peer" },
	{ "unix twice", unix_twice, -EBADMSG, "file ids 1 and 2 are one unix socket, 4711" },
	{ "unix name taken", unix_name_taken, -EEXIST, "/etc/passwd is no socket now" },
	{ "socket", use_inet, 0, "" },
	{ "socket fields", inet_no_fields, -EBADMSG, "IPv4 or IPv6 socket without its fields" },
	{ "socket inner id", inet_inner_id, -EBADMSG, "id 2 inside says 8" },
	{ "socket family", inet_family, -EBADMSG, "socket of family 16, want IPv4 or IPv6" },
	{ "socket type", inet_type, -EBADMSG, "socket of type 5, protocol 6" },
	{ "socket address", inet_address, -EBADMSG, "addresses of 1 and 1 words, want 4" },
	{ "socket port", inet_port, -EBADMSG, "ports 65536 and 0" },
	{ "socket state", inet_state, -EBADMSG, "socket in state 12" },
	{ "socket request", inet_request, -EBADMSG, "socket in state 3" },
	{ "UDP listens", inet_udp_listens, -EBADMSG, "socket of protocol 17 that listens" },
	{ "TCP with one end", inet_one_end, -EBADMSG, "TCP connection without its other end" },
	{ "ICMP filter", inet_filter, -EBADMSG, "ICMP filter of 9 words, want 1" },
	{ "socket options", inet_options, -EBADMSG, "socket buffers of 2147483648" },
	{ "known option", more_known, 0, "" },
	{ "unknown option", more_unknown, -EBADMSG, "socket with option 26 of level 1, 4 bytes" },
	{ "long option", more_long, -EBADMSG, "socket with option 7 of level 6, 2049 bytes" },
	{ "group with sources", more_group, -EBADMSG, "socket with option 48 of level 0" },
	{ "packet type", packet_type, -EBADMSG, "packet socket of type 1" },
	{ "packet fields", packet_no_fields, -EBADMSG, "packet socket without its fields" },
	{ "packet address", packet_address, -EBADMSG, "membership with an address of 33 bytes" },
	{ "netlink socket", use_netlink, 0, "" },
	{ "netlink fields", netlink_no_fields, -EBADMSG, "netlink socket without its fields" },
	{ "netlink groups", netlink_groups, -EBADMSG, "netlink socket with 65 words of groups" },
	{ "netlink protocol", netlink_protocol, -EPROTONOSUPPORT, "netlink socket of protocol 77" },
	{ "TCP not asked for", tcp_not_asked, -EINVAL, "use --tcp-established to keep it" },
	{ "TCP without stream", tcp_no_stream, -ENOENT, "tcp-stream-4711.img" },
	{ "TCP queue short", tcp_queue_short, -EBADMSG, "tcp-stream-4711.img" },
	{ "TCP queue huge", tcp_queue_huge, -EBADMSG, "tcp-stream-4711.img" },
	{ "TCP unsent", tcp_unsent, -EBADMSG, "1 bytes of 0 in the send queue not sent" },
	{ "TCP no unsent", tcp_no_unsent, -EBADMSG, "tcp-stream-4711.img: no unsq_len" },
	{ "TCP no scale", tcp_no_scale, -EBADMSG, "no rcv_wscale" },
	{ "TCP no timestamp", tcp_no_timestamp, -EBADMSG, "no timestamp" },
	{ "pipe payload missing", pipe_payload_missing, -EBADMSG, "pipes-data.img" },
	{ "pipe payload huge", pipe_payload_huge, -EBADMSG, "pipes-data.img" },
};

static void images_are_checked_before_anything_is_opened(void **state)
{
	(void)state;
	set_try_all(cases, ARRAY_SIZE(cases));
}

/* Real sets: everything they hold is understood or named, nothing else. */
static void corpus_is_loaded(void **state)
{
	(void)state;
	static const char *const sets[] = { "a1", "a1n", "a2",  "a3",  "a4",
					    "a5", "a9",  "a11", "a13", "a17" };
	char path[512];
	if (!corpus_find("", path)) {
		print_message("no sets of images to look at (CORPUS=DIR)\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct error err = { 0 };
		struct options opts = { 0 };
		struct restore r = { .opts = &opts };
		assert_non_null(corpus_find(sets[i], path));
		assert_int_equal(source_open(path, &r.images, &err), 0);
		int rc = files_load(&r, &err);
		/* no tasks are loaded here, so locks have no owner */
		if (rc < 0 && !strstr(err.text, "not supported yet") &&
		    !strstr(err.text, "filelocks.img: pid 4101 has no fd 25"))
			fail_msg("%s: %s", sets[i], err.text);
		assert_true(r.files->nr_items >= 3);
		file_set_free(r.files);
		pool_fini(&r.messages[0]);
		source_close(r.images);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_are_checked_before_anything_is_opened),
		cmocka_unit_test(corpus_is_loaded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
