import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";

const words = ["davit", "boat", "lower", "raise", "crane", "ship", "rope", "block", "winch", "deck"];
const megabyte = 1_000_000;

/** Half random, half text, and small files: about what home servers' volumes hold. */
export function makeMixed(folder: string, megabytes: number): void {
	mkdirSync(folder, { recursive: true });
	const parts = Math.max(1, Math.round(megabytes / 100));
	for (let part = 0; part < parts; part += 1) {
		writeFileSync(`${folder}/random-${part}`, randomBytes(50 * megabyte));
		writeFileSync(`${folder}/text-${part}.log`, textOf(part, 50 * megabyte));
	}
	makeSmall(`${folder}/small`, parts * 1000);
}

/** Files of 0.2 to 4 KiB, 500 to a directory. */
export function makeSmall(folder: string, count: number): void {
	const text = Buffer.from(textOf(7, 5000));
	for (let at = 0; at < count; at += 1) {
		if (at % 500 === 0) mkdirSync(`${folder}/${at / 500}`, { recursive: true });
		writeFileSync(`${folder}/${Math.floor(at / 500)}/${at}.json`, text.subarray(0, 200 + ((at * 37) % 3900)));
	}
}

/** Without content: what counts is the entry. */
export function makeEmpty(folder: string, count: number): void {
	for (let at = 0; at < count; at += 1) {
		if (at % 1000 === 0) mkdirSync(`${folder}/${at / 1000}`, { recursive: true });
		writeFileSync(`${folder}/${Math.floor(at / 1000)}/${at}`, "");
	}
}

function textOf(part: number, bytes: number): string {
	const lines: string[] = [];
	for (let [line, length] = [0, 0]; length < bytes; line += 1) {
		const seed = (line * 2_654_435_761 + part * 40_503) >>> 0;
		const text = `${seed.toString(36)} ${words[seed % 10]} ${words[(seed >>> 8) % 10]} ${seed} ${line}`;
		lines.push(text);
		length += text.length + 1;
	}
	return lines.join("\n").slice(0, bytes);
}
