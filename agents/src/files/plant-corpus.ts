import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
	chmodSync,
	chownSync,
	closeSync,
	ftruncateSync,
	lchownSync,
	linkSync,
	mkdirSync,
	openSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { plantAttributes, plantLists, plantRootAttributes, requireSystem } from "./plant-attributes.ts";

/** Whether this process may make devices and give files away, as the agent may. */
export const isRoot = process.getuid?.() === 0;

type Plant = (folder: string) => void | Promise<void>;

/** What volumes were seen to hold; each case in a folder of its name, and the last, the root's own metadata, on the root. */
const cases: Readonly<Record<string, Plant>> = {
	"empty-file": (folder) => writeFileSync(`${folder}/empty`, ""),
	"small-file": (folder) => writeFileSync(`${folder}/small`, "one block"),
	"file-of-frames": (folder) => writeFileSync(`${folder}/big`, randomBytes(9 * 1024 * 1024 + 123)),
	"exactly-one-frame": (folder) => writeFileSync(`${folder}/exact`, Buffer.alloc(4 * 1024 * 1024, "davit ")),
	"odd-names": plantNames,
	"longest-name": (folder) => writeFileSync(`${folder}/${"x".repeat(255)}`, "255 bytes"),
	"not-utf8": plantRawNames,
	"deep-path": plantDepth,
	neighbours: plantNeighbours,
	"empty-directory": (folder) => mkdirSync(`${folder}/empty`),
	"hard-links": plantHardLinks,
	symlinks: plantSymlinks,
	"symlink-metadata": plantSymlinkMetadata,
	fifo: (folder) => void execFileSync("mkfifo", [`${folder}/fifo`]),
	device: (folder) => void (isRoot && execFileSync("mknod", [`${folder}/null`, "c", "1", "3"])),
	socket: (folder) => plantSocket(`${folder}/socket`),
	modes: plantModes,
	owners: plantOwners,
	"closed-to-others": plantClosed,
	times: plantTimes,
	"user-attributes": plantAttributes,
	"root-attributes": (folder) => (isRoot ? plantRootAttributes(folder) : undefined),
	"access-lists": plantLists,
	holes: plantHoles,
};

/** The names of the cases; the root's own metadata is one too. */
export const corpusCases = [...Object.keys(cases), "."];

/** A tree with all cases, for tests. */
export async function plantCorpus(root: string): Promise<void> {
	mkdirSync(root, { recursive: true });
	for (const [name, plant] of Object.entries(cases)) {
		mkdirSync(`${root}/${name}`);
		await plant(`${root}/${name}`);
	}
	if (isRoot) chownSync(root, 70, 70);
	chmodSync(root, 0o1770);
	utimesSync(root, 1_000_000_000, 1_000_000_000.123);
}

function plantNames(folder: string): void {
	const names = ["a\nnewline", "--help", "-rf", " blank ", "%25", "back\\slash", 'quo"te', "ünïcode"];
	for (const name of names) writeFileSync(`${folder}/${name}`, `the content of ${name}`);
}

function plantRawNames(folder: string): void {
	writeFileSync(bytes(folder, "/raw-\xff\xfe-name"), "not UTF-8");
	mkdirSync(bytes(folder, "/raw-\xe9-folder"));
	writeFileSync(bytes(folder, `/raw-\xe9-folder/${"\xe9".repeat(200)}`), "long and not UTF-8");
}

function plantDepth(folder: string): void {
	const deep = `${folder}${`/${"d".repeat(48)}`.repeat(9)}`;
	mkdirSync(deep, { recursive: true });
	writeFileSync(`${deep}/bottom`, "a path of more than 440 bytes");
}

function plantNeighbours(folder: string): void {
	mkdirSync(`${folder}/a`);
	writeFileSync(`${folder}/a/in`, "a directory sorts before its neighbours");
	writeFileSync(`${folder}/a-b`, "");
	writeFileSync(`${folder}/a.b`, "");
}

function plantHardLinks(folder: string): void {
	writeFileSync(`${folder}/first`, "one inode, three names");
	linkSync(`${folder}/first`, `${folder}/second`);
	linkSync(`${folder}/first`, `${folder}/empty-sibling`);
}

function plantSymlinks(folder: string): void {
	symlinkSync("first", `${folder}/link`);
	symlinkSync("/nowhere/at/all", `${folder}/dangling`);
	symlinkSync(`../${"t".repeat(150)}`, `${folder}/long-link`);
	symlinkSync(Buffer.from("raw-\xff", "latin1"), `${folder}/raw-link`);
}

function plantSymlinkMetadata(folder: string): void {
	symlinkSync("elsewhere", `${folder}/link`);
	if (isRoot) lchownSync(`${folder}/link`, 1000, 1001);
	requireSystem().setTime(`${folder}/link`, 1_234_567_890_500_000_001n);
}

function plantModes(folder: string): void {
	for (const mode of [0o4755, 0o2755, 0o1777, 0o000, 0o7777]) {
		writeFileSync(`${folder}/${mode.toString(8)}`, "#!/bin/sh\n");
		chmodSync(`${folder}/${mode.toString(8)}`, isRoot ? mode : mode | 0o400);
	}
}

function plantOwners(folder: string): void {
	for (const owner of isRoot ? [0, 70, 999, 65_534, 3_000_000_000] : []) {
		writeFileSync(`${folder}/owned-by-${owner}`, `${owner}`);
		chownSync(`${folder}/owned-by-${owner}`, owner, owner + 1);
	}
}

function plantClosed(folder: string): void {
	if (!isRoot) return;
	writeFileSync(`${folder}/without-read-permission`, "secret");
	chmodSync(`${folder}/without-read-permission`, 0o200);
	mkdirSync(`${folder}/read-only`);
	writeFileSync(`${folder}/read-only/in`, "made before its directory was closed");
	chmodSync(`${folder}/read-only`, 0o555);
}

function plantTimes(folder: string): void {
	const times = {
		old: -86_400_250_000_001n,
		"whole-second": 1_500_000_000_000_000_000n,
		exact: 1_700_000_000_123_456_789n,
	};
	for (const [name, time] of Object.entries(times)) {
		writeFileSync(`${folder}/${name}`, name);
		requireSystem().setTime(`${folder}/${name}`, time);
	}
}

const megabyte = 1024 * 1024;

/** Stretches of content at the beginning, in the middle and at the end, and none at all. */
function plantHoles(folder: string): void {
	plantSparse(`${folder}/hole-first`, 8 * megabyte, [8 * megabyte - 5]);
	plantSparse(`${folder}/hole-last`, 8 * megabyte, [0]);
	plantSparse(`${folder}/holes-between`, 8 * megabyte, [0, 2 * megabyte, 5 * megabyte + 7]);
	writeFileSync(`${folder}/only-a-hole`, "");
	truncateSync(`${folder}/only-a-hole`, 4 * megabyte);
}

/** A file of `size` with a little content at each of the places. */
export function plantSparse(path: string, size: number, places: readonly number[]): void {
	const fd = openSync(path, "w");
	ftruncateSync(fd, size);
	for (const place of places) writeSync(fd, "davit", place);
	closeSync(fd);
}

async function plantSocket(path: string): Promise<void> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen({ path: `${path}.made` }, resolve));
	// Closing a server removes its socket; another name of it stays.
	linkSync(`${path}.made`, path);
	await new Promise((resolve) => server.close(resolve));
}

function bytes(root: string, rest: string): Buffer {
	return Buffer.concat([Buffer.from(root), Buffer.from(rest, "latin1")]);
}
