import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
	chmodSync,
	chownSync,
	lchownSync,
	linkSync,
	lutimesSync,
	mkdirSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:net";

/** Whether this process may make devices and give files away, as the agent may. */
export const isRoot = process.getuid?.() === 0;

/** A tree with everything that volumes were seen to hold, for tests: odd names, owners, modes, links, nodes, times. */
export async function plantCorpus(root: string): Promise<void> {
	mkdirSync(root);
	plantNames(root);
	plantLinks(root);
	plantNodes(root);
	await plantSocket(`${root}/socket`);
	writeFileSync(`${root}/big`, randomBytes(9 * 1024 * 1024 + 123));
	writeFileSync(`${root}/exactly-one-frame`, Buffer.alloc(4 * 1024 * 1024, "davit "));
	if (isRoot) plantOwners(root);
	chmodSync(root, 0o1770);
	utimesSync(root, 1_000_000_000, 1_000_000_000.123);
}

function plantNames(root: string): void {
	const names = [
		"a\nnewline",
		"--help",
		"-rf",
		" blank ",
		"%25",
		"back\\slash",
		'quo"te',
		"ünïcode",
		"x".repeat(255),
	];
	for (const name of names) writeFileSync(`${root}/${name}`, `the content of ${name}`);
	writeFileSync(bytes(root, "/raw-\xff\xfe-name"), "not UTF-8");
	mkdirSync(bytes(root, "/raw-\xe9-folder"));
	writeFileSync(bytes(root, `/raw-\xe9-folder/${"\xe9".repeat(200)}`), "long and not UTF-8");
	let deep = `${root}/deep`;
	for (let level = 0; level < 9; level += 1) deep += `/${"d".repeat(48)}`;
	mkdirSync(deep, { recursive: true });
	writeFileSync(`${deep}/bottom`, "a path of more than 440 bytes");
	mkdirSync(`${root}/a`);
	writeFileSync(`${root}/a/in`, "a directory sorts before its neighbours");
	writeFileSync(`${root}/a-b`, "");
	writeFileSync(`${root}/a.b`, "");
	mkdirSync(`${root}/empty`);
}

function plantLinks(root: string): void {
	writeFileSync(`${root}/first`, "one inode, three names");
	linkSync(`${root}/first`, `${root}/second`);
	linkSync(`${root}/first`, `${root}/empty-sibling`);
	symlinkSync("first", `${root}/link`);
	symlinkSync("/nowhere/at/all", `${root}/dangling`);
	symlinkSync(`../${"t".repeat(150)}`, `${root}/long-link`);
	symlinkSync(Buffer.from("raw-\xff", "latin1"), `${root}/raw-link`);
	lutimesSync(`${root}/link`, 1_234_567_890, 1_234_567_890.5);
}

function plantNodes(root: string): void {
	execFileSync("mkfifo", [`${root}/fifo`]);
	if (isRoot) execFileSync("mknod", [`${root}/null-device`, "c", "1", "3"]);
	writeFileSync(`${root}/setuid`, "#!/bin/sh\n");
	chmodSync(`${root}/setuid`, 0o4755);
	writeFileSync(`${root}/old`, "before 1970");
	utimesSync(`${root}/old`, -86_400.25, -86_400.25);
	writeFileSync(`${root}/whole-second`, "no fraction");
	utimesSync(`${root}/whole-second`, 1_500_000_000, 1_500_000_000);
}

function plantOwners(root: string): void {
	writeFileSync(`${root}/without-read-permission`, "secret");
	chmodSync(`${root}/without-read-permission`, 0o200);
	mkdirSync(`${root}/read-only`);
	writeFileSync(`${root}/read-only/in`, "made before its directory was closed");
	chmodSync(`${root}/read-only`, 0o555);
	for (const owner of [0, 70, 999, 65_534, 3_000_000_000]) {
		writeFileSync(`${root}/owned-by-${owner}`, `${owner}`);
		chownSync(`${root}/owned-by-${owner}`, owner, owner + 1);
	}
	lchownSync(`${root}/dangling`, 1000, 1001);
	chownSync(root, 70, 70);
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
