"use strict";
(() => {
const $ = (selector, from) => (from || document).querySelector(selector);
const $$ = (selector, from) => [...(from || document).querySelectorAll(selector)];
const SVG = "http://www.w3.org/2000/svg";
const PAGE = 4096n;

// Text from the checkpoint is only ever set as text or as an attribute, never as markup.
function make(name, attributes, text) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {}))
		node.setAttribute(key, value);
	if (text !== undefined)
		node.textContent = text;
	return node;
}
function draw(name, attributes, text) {
	const node = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes || {}))
		node.setAttribute(key, value);
	if (text !== undefined)
		node.textContent = text;
	return node;
}
function size(bytes) {
	let value = Number(bytes), unit = 0;
	const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
	for (; value >= 1024 && unit < units.length - 1; unit++)
		value /= 1024;
	return (unit && value < 100 ? value.toFixed(1) : Math.round(value)) + " " + units[unit];
}

// Light or dark.
$("#theme").addEventListener("click", () => {
	const root = document.documentElement;
	const dark = root.dataset.theme ? root.dataset.theme === "dark"
		: matchMedia("(prefers-color-scheme: dark)").matches;
	root.dataset.theme = dark ? "light" : "dark";
});

// What is chosen.
const state = { pid: null, kinds: new Map(), linear: false, zoom: 1, find: "" };
const areas = $$("#areas tr[data-start]").map(row => ({
	row, pid: row.dataset.pid, kind: row.dataset.kind, prot: row.dataset.prot,
	start: BigInt("0x" + row.dataset.start), end: BigInt("0x" + row.dataset.end),
	file: row.lastElementChild.firstElementChild ? "" : row.lastElementChild.textContent,
	cells: row.dataset.cells.split(" ").filter(Boolean).map(code => ({
		state: code[0], level: Number(code[1]), count: Number(code.slice(3)) })),
	nodes: [],
}));
const names = new Map($$("tr.process").map(row => [row.dataset.pid, $("b", row).textContent]));

function matches(area) {
	if (state.kinds.get(area.kind) === false)
		return false;
	const find = state.find.trim();
	if (!find)
		return true;
	if (/^(0x)?[0-9a-f]{4,16}$/i.test(find)) {
		const address = BigInt("0x" + find.replace(/^0x/i, ""));
		if (address >= area.start && address < area.end)
			return true;
	}
	return [area.file, area.kind, area.prot].some(text => text.includes(find));
}

// Bars in the order of addresses flow into lines as words do; what is not mapped is a dot.
const WIDTH = 1320, GUTTER = 118, BAR = 30, LINE = 40, GAP = 11;
// To scale, a process fills three lines.
function width(area, unit) {
	const pages = Number((area.end - area.start) / PAGE);
	const natural = state.linear ? pages * unit : 16 + 17 * Math.log2(1 + pages);
	return Math.max(3, natural * state.zoom);
}
function piece(svg, area, x, y, w, from, to) {
	const group = draw("g", { class: "area k-" + area.kind, tabindex: 0,
		"aria-label": `${area.kind} ${area.prot} ${area.file}` });
	group.append(draw("rect", { class: "back", x, y, width: w, height: BAR, rx: 3 }));
	const total = area.cells.reduce((sum, cell) => sum + cell.count, 0);
	let at = 0;
	for (const cell of area.cells) {
		const a = Math.max(from, at / total), b = Math.min(to, (at + cell.count) / total);
		at += cell.count;
		if (b <= a || "hf".includes(cell.state))
			continue;
		group.append(draw("rect", { class: "cell-" + cell.state, y: y + 1, height: BAR - 2,
			x: (x + (a - from) / (to - from) * w).toFixed(2),
			width: Math.max(.6, (b - a) / (to - from) * w).toFixed(2),
			opacity: (.35 + .65 * cell.level / 9).toFixed(2) }));
	}
	if (area.prot[1] === "w" && area.prot[2] === "x")
		group.append(draw("rect", { class: "wx", x, y: y + BAR - 4, width: w, height: 4 }));
	const label = area.file ? area.file.replace(/^.*\//, "") : area.kind;
	const room = Math.floor((w - 10) / 6.7);
	if (room >= 4)
		group.append(draw("text", { x: x + 5, y: y + 19 },
			label.length > room ? label.slice(0, room - 1) + "…" : label));
	group.addEventListener("pointermove", event => tip(area, event));
	group.addEventListener("pointerleave", () => { $("#tip").hidden = true; });
	group.addEventListener("click", () => pick(area, true));
	group.addEventListener("keydown", event => {
		if (event.key === "Enter" || event.key === " ") {
			event.preventDefault();
			pick(area, true);
		}
	});
	area.nodes.push(group);
	svg.append(group);
}
function gap(svg, x, y, bytes) {
	const dot = draw("circle", { class: "gap", cx: x + GAP / 2, cy: y + BAR / 2, r: 2 });
	dot.append(draw("title", {}, size(bytes) + " not mapped"));
	svg.append(dot);
}
function map(list) {
	const svg = draw("svg", { role: "group", "aria-label": "memory map" });
	const pages = list.reduce((sum, area) => sum + Number((area.end - area.start) / PAGE), 0);
	const unit = 3 * (WIDTH - GUTTER) / pages;
	let x = WIDTH, y = -LINE + 4, before = null;
	for (const area of list) {
		area.nodes = [];
		const gapped = before !== null && area.start > before;
		const all = width(area, unit);
		let left = all, from = 0;
		if (gapped && x + GAP < WIDTH) {
			gap(svg, x, y, area.start - before);
			x += GAP;
		} else {
			x += 2;
		}
		while (left > 0) {
			if (x + Math.min(left, 60) > WIDTH) {
				x = GUTTER;
				y += LINE;
				const skip = area.end - area.start;
				const address = area.start +
					BigInt(Math.floor(Number(skip / PAGE) * from)) * PAGE;
				svg.append(draw("text", { x: GUTTER - 8, y: y + 19, "text-anchor": "end" },
					address.toString(16)));
			}
			const w = Math.min(left, WIDTH - x);
			piece(svg, area, x, y, w, from, from + w / all);
			from += w / all;
			left -= w;
			x += w;
			if (left < .01)
				left = 0;
		}
		before = area.end;
	}
	svg.setAttribute("viewBox", `0 0 ${WIDTH + 4} ${Math.max(y + LINE, LINE)}`);
	return svg;
}

function tip(area, event) {
	const box = $("#tip");
	const cells = [...area.row.cells].map(cell => cell.textContent);
	box.replaceChildren(make("b", {}, area.file || area.kind),
		make("span", { class: "mono" }, `${cells[1]} ${area.prot} ${area.kind}`),
		make("span", {}, `${size(area.end - area.start)}, ${cells[5]} pages stored, ` +
			`${cells[6]} zero, ${cells[7]} in a parent, ${cells[8]} lazy`));
	box.hidden = false;
	box.style.left = Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8) + "px";
	const below = event.clientY + 18;
	box.style.top = (below + box.offsetHeight > innerHeight ? event.clientY - box.offsetHeight - 10
		: below) + "px";
}
function pick(area, scroll) {
	for (const other of areas) {
		const chosen = other === area;
		other.row.classList.toggle("pick", chosen);
		for (const node of other.nodes)
			node.classList.toggle("pick", chosen);
	}
	if (!scroll)
		return;
	$("#areas").open = true;
	const pane = area.row.closest(".scroll");
	pane.scrollTop = area.row.offsetTop - pane.clientHeight / 2;
}

// Controls, and the map anew.
function legend() {
	const bar = make("div", { class: "bar" });
	for (const kind of [...new Set(areas.map(area => area.kind))].sort()) {
		const button = make("button", { type: "button", class: "legend k-" + kind,
			"aria-pressed": "true" });
		button.append(make("i"), kind);
		button.addEventListener("click", () => {
			const on = state.kinds.get(kind) === false;
			state.kinds.set(kind, on);
			button.setAttribute("aria-pressed", on);
			filter();
		});
		bar.append(button);
	}
	const find = make("input", { type: "search", placeholder: "address, file, rwx…",
		"aria-label": "find areas" });
	find.addEventListener("input", () => { state.find = find.value; filter(); });
	const scale = make("button", { type: "button", "aria-pressed": "false",
		title: "bars as long as their areas, or as the logarithm of them" }, "to scale");
	scale.addEventListener("click", () => {
		state.linear = !state.linear;
		scale.setAttribute("aria-pressed", state.linear);
		redraw();
	});
	const right = make("div", { class: "right" });
	right.append(find, scale);
	for (const [text, factor, title] of [["−", 1 / 1.5, "smaller"], ["+", 1.5, "larger"]]) {
		const button = make("button", { type: "button", title }, text);
		button.addEventListener("click", () => {
			state.zoom = Math.min(64, Math.max(1 / 32, state.zoom * factor));
			redraw();
		});
		right.append(button);
	}
	bar.append(right);
	return bar;
}
function filter() {
	for (const area of areas) {
		const on = matches(area);
		area.row.hidden = !on || (state.pid !== null && area.pid !== state.pid);
		for (const node of area.nodes)
			node.classList.toggle("off", !on);
	}
}
const pane = make("div", { class: "pane" });
function redraw() {
	pane.replaceChildren();
	for (const area of areas)
		area.nodes = [];
	for (const [pid, name] of names) {
		if (state.pid !== null && pid !== state.pid)
			continue;
		const list = areas.filter(area => area.pid === pid);
		if (!list.length)
			continue;
		pane.append(make("p", { class: "process-name" }, `${pid} ${name}`), map(list));
	}
	filter();
}
function choose(pid) {
	state.pid = state.pid === pid ? null : pid;
	for (const row of $$("tr.process"))
		row.classList.toggle("pick", row.dataset.pid === state.pid);
	for (const row of $$("table.filtered tbody tr"))
		row.hidden = state.pid !== null && row.dataset.pid !== state.pid;
	for (const section of $$("section"))
		count(section);
	redraw();
}
function count(section) {
	const table = $("table", section);
	if (!table)
		return;
	const title = $("h2", section);
	const rows = $$("tbody tr", table).filter(row => !row.hidden).length;
	const note = $("small", title) || title.appendChild(make("small"));
	note.textContent = rows + (state.pid !== null && table.matches(".filtered")
		? ` of ${state.pid} ${names.get(state.pid)}` : "");
}

for (const row of $$("tr.process")) {
	row.addEventListener("click", () => choose(row.dataset.pid));
	row.addEventListener("keydown", event => {
		if (event.key === "Enter" || event.key === " ") {
			event.preventDefault();
			choose(row.dataset.pid);
		}
	});
}
for (const area of areas)
	area.row.addEventListener("click", () => pick(area, false));
$("#map").append(legend(), pane);
for (const section of $$("section"))
	count(section);
redraw();
})();
