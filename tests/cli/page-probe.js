// SPDX-License-Identifier: MIT
// Put at the end of a report: what a reader's eyes would find, as attributes of its root element.
// data-contrast is the lowest contrast of a text to what is behind it, as a part of what it should be
// (WCAG 2 AA; 3 for dashes and zeros), data-weak whose, data-sideways by how many pixels the page or a
// part of it is too wide, data-scheme "light" or "dark".
"use strict";
const rgba = text => {
	const n = text.match(/[\d.]+/g).map(Number);
	const unit = text.startsWith("color(srgb") ? 255 : 1; // as color-mix() is told
	return { rgb: n.slice(0, 3).map(v => v * unit), alpha: n.length > 3 ? n[3] : 1 };
};
const over = (top, alpha, below) => top.map((v, i) => v * alpha + below[i] * (1 - alpha));
const luminance = rgb => rgb.map(v => v / 255)
	.map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
	.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);

function background(element) {
	if (!element)
		return [255, 255, 255];
	const { rgb, alpha } = rgba(getComputedStyle(element).backgroundColor);
	return alpha === 1 ? rgb : over(rgb, alpha, background(element.parentElement));
}

function opacity(element) {
	return element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
}

function contrast(element) {
	const style = getComputedStyle(element), behind = background(element);
	const { rgb, alpha } = rgba(element instanceof SVGElement ? style.fill : style.color);
	const pair = [luminance(over(rgb, alpha * opacity(element), behind)), luminance(behind)];
	const found = (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
	return found / (element.matches(".none, .zero") ? 3 : 4.5);
}

const root = document.documentElement;
let lowest = 9, weak = null;
for (const element of document.querySelectorAll("body *")) {
	const own = [...element.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
	if (!own || !element.getClientRects().length || element.closest("script, style"))
		continue;
	const found = contrast(element);
	if (found < lowest)
		[lowest, weak] = [found, element];
}
root.dataset.contrast = lowest.toFixed(2);
root.dataset.weak = weak ? `${weak.tagName}.${weak.getAttribute("class")}` : "";
root.dataset.sideways = Math.max(...[root, ...document.querySelectorAll("section")]
	.map(e => e.scrollWidth - e.clientWidth));
root.dataset.scheme = getComputedStyle(root).colorScheme;
