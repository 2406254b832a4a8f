# SPDX-License-Identifier: MIT
# stack_set.py CRIT MACHINE DIR [PATH SIZE BUILDID]: a checkpoint of one process of that machine,
# with two threads whose frames hang together by frame pointers, and a zombie beside it. Its code
# is that of PATH, mapped at 0x400000; PCS="10 1010 1110" says where in it the frames of the first
# thread are.
import json
import os
import subprocess
import sys

crit, machine, top = sys.argv[1:4]
path, size, build_id = sys.argv[4:7] or ("/usr/bin/prog", "0", "")
STACK, CODE = 0x70000000, 0x400000
pcs = [CODE + int(pc, 16) for pc in os.environ.get("PCS", "10 1010 1110").split()]
FOWN = {"uid": 0, "euid": 0, "signum": 0, "pid_type": 0, "pid": 0}


def write(name, magic, *entries):
    text = json.dumps({"magic": magic, "entries": list(entries)})
    subprocess.run([crit, "encode", "-o", os.path.join(top, name)], input=text, text=True, check=True)


def x86(pc, sp, fp, mode):
    names = "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss fs_base gs_base ds es fs gs"
    regs = dict.fromkeys(names.split(), 0)
    regs.update({"ip": pc, "sp": sp, "bp": fp, "mode": mode})
    return {"thread_info": {"clear_tid_addr": 0, "gpregs": regs, "fpregs": dict.fromkeys(
        "cwd swd twd fop rip rdp mxcsr mxcsr_mask".split(), 0)}}


def aarch64(pc, sp, fp):
    regs = [0] * 31
    regs[29], regs[30] = fp, CODE + 0x30
    return {"ti_aarch64": {"clear_tid_addr": 0, "tls": 0,
                           "gpregs": {"regs": regs, "sp": sp, "pc": pc, "pstate": 0},
                           "fpsimd": {"vregs": [0] * 64, "fpsr": 0, "fpcr": 0}}}


def mips(pc, sp, fp):
    names = ["r%d" % i for i in range(32)] + "lo hi cp0_epc cp0_badvaddr cp0_status cp0_cause".split()
    fps = ["r%d" % i for i in range(32)] + ["lo", "hi", "fpu_fcr31", "fpu_id"]
    return {"ti_mips": {"clear_tid_addr": 0, "tls": 0, "gpregs": dict.fromkeys(names, 0),
                        "fpregs": dict.fromkeys(fps, 0)}}


registers = {
    "X86_64": lambda *r: x86(*r, "NATIVE"), "I386": lambda *r: x86(*r, "COMPAT"),
    "AARCH64": aarch64, "MIPS": mips,
}[machine]
march = "X86_64" if machine == "I386" else machine
word = 4 if machine == "I386" else 8


def core(name, pc, at, state=1):
    core = {"mtype": march, "thread_core": {"futex_rla": 0, "futex_rla_len": 0, "sched_nice": 0,
                                            "sched_policy": 0, "comm": name}}
    core["tc"] = {"task_state": state, "exit_code": 0, "personality": 0, "flags": 0,
                  "blk_sigset": 0, "comm": name}
    return core | (registers(pc, at, at + 0x40) if state == 1 else {})


write("inventory.img", "INVENTORY", {"img_version": 2})
write("pstree.img", "PSTREE", {"pid": 100, "ppid": 0, "pgid": 100, "sid": 100, "threads": [100, 103]},
      {"pid": 101, "ppid": 100, "pgid": 100, "sid": 100, "threads": [101]})
write("core-100.img", "CORE", core("first", pcs[0], STACK + 0x100))
write("core-103.img", "CORE", core("se\x1bcond", CODE + 0x50, STACK + 0x800))
write("core-101.img", "CORE", core("dead", 0, 0, 6))
reg = {"id": 3, "flags": 0, "pos": 0, "fown": FOWN, "name": path}
if int(size):
    reg["size"] = int(size)
if build_id:
    raw = bytes.fromhex(build_id)
    reg["build_id"] = [int.from_bytes(raw[i:i + 4], "little") for i in range(0, len(raw), 4)]
write("files.img", "FILES", {"type": "REG", "id": 3, "reg": reg})
vma = {"pgoff": 0, "shmid": 0, "fd": -1, "flags": "MAP_PRIVATE"}
write("mm-100.img", "MM", dict.fromkeys(
    ["mm_" + n for n in "start_code end_code start_data end_data start_stack start_brk brk arg_start "
     "arg_end env_start env_end".split()], 0) | {"exe_file_id": 3, "vmas": [
         vma | {"start": CODE, "end": CODE + 0x2000, "shmid": 3, "prot": 5,
                "status": "VMA_AREA_REGULAR | VMA_FILE_PRIVATE"},
         vma | {"start": STACK, "end": STACK + 0x1000, "prot": 3, "flags": "MAP_PRIVATE | MAP_ANON",
                "status": "VMA_AREA_REGULAR | VMA_ANON_PRIVATE"}]})
write("pagemap-100.img", "PAGEMAP", {"pages_id": 1},
      {"vaddr": STACK, "compat_nr_pages": 1, "flags": "PE_PRESENT"})
page = bytearray(4096)
for at, returns in ((0x140, pcs[1:]), (0x840, [CODE + 0x1050, CODE + 0x1150])):
    for i, pc in enumerate(returns):  # a frame: where the outer one is, and where that goes on
        frame = at + 0x40 * i
        page[frame:frame + 2 * word] = ((STACK + frame + 0x40).to_bytes(word, "little") +
                                        pc.to_bytes(word, "little"))
with open(os.path.join(top, "pages-1.img"), "wb") as out:
    out.write(page)
