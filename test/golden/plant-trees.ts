import { execFileSync } from "node:child_process";
import {
	appendFileSync,
	chmodSync,
	chownSync,
	lchownSync,
	linkSync,
	lutimesSync,
	mkdirSync,
	readdirSync,
	rmSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** A tree as a volume holds it: odd names, owners, modes, links, nodes, times; small once it is compressed. Needs root. */
export function plantVolume(root: string): void {
	mkdirSync(join(root, "data", "deep"), { recursive: true });
	for (const name of ["a\nnewline", "--help", "%25", "back\\slash", "ünïcode", "x".repeat(255)]) {
		writeFileSync(join(root, name), `the content of ${name}`);
	}
	writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from("raw-\xff\xfe", "latin1")]), "not UTF-8");
	// More than two frames, so that more than one is read.
	writeFileSync(
		join(root, "data", "frames"),
		Buffer.alloc(9 * 1024 * 1024 + 123, "davit backs up and proves "),
	);
	writeFileSync(join(root, "data", "empty"), "");
	writeFileSync(join(root, "data", "first"), "one inode, two names");
	linkSync(join(root, "data", "first"), join(root, "second"));
	symlinkSync("data/first", join(root, "link"));
	plantHoles(join(root, "data", "holes"));
	symlinkSync("/nowhere/at/all", join(root, "dangling"));
	execFileSync("mkfifo", [join(root, "fifo")]);
	execFileSync("mknod", [join(root, "null-device"), "c", "1", "3"]);
	for (const owner of [70, 999, 3_000_000_000]) {
		writeFileSync(join(root, `owned-by-${owner}`), `${owner}`);
		chownSync(join(root, `owned-by-${owner}`), owner, owner + 1);
	}
	lchownSync(join(root, "dangling"), 1000, 1001);
	writeFileSync(join(root, "setuid"), "#!/bin/sh\n");
	chmodSync(join(root, "setuid"), 0o4755);
	plantAttributes(root);
	chmodSync(join(root, "data", "deep"), 0o555);
	setTimes(root);
	chownSync(root, 70, 70);
	chmodSync(root, 0o1770);
}

/** What format 1 does not keep. The access list gives user 70 a right of its own. */
function plantAttributes(root: string): void {
	const list = "0x0200000001000600ffffffff020004004600000004000400ffffffff10000400ffffffff20000400ffffffff";
	const attributes = [
		[join(root, "data", "first"), "user.davit", "kept"],
		[join(root, "data"), "user.of-a-folder", "kept too"],
		[join(root, "data", "empty"), "system.posix_acl_access", list],
		[join(root, "setuid"), "security.capability", "0sAQAAAgAEAAAAAAAAAAAAAAAAAAA="],
	] as const;
	for (const [path, name, value] of attributes) execFileSync("setfattr", ["-n", name, "-v", value, path]);
}

/** Four megabytes of which almost all is a hole. */
function plantHoles(path: string): void {
	writeFileSync(path, "before the hole");
	truncateSync(path, 4 * 1024 * 1024);
	appendFileSync(path, "after it");
}

/** A tree of which something is lost while it is read, if `disturb` is called when it has begun. */
export function plantRestless(root: string): { disturb(): void } {
	mkdirSync(root);
	writeFileSync(join(root, "1-long"), Buffer.alloc(9 * 1024 * 1024, "while this is read "));
	for (const name of ["2-stays", "3-stays", "4-vanishes"]) writeFileSync(join(root, name), `as ${name} was`);
	setTimes(root);
	return {
		disturb: () => {
			appendFileSync(join(root, "1-long"), "this line comes too late");
			rmSync(join(root, "4-vanishes"), { force: true });
		},
	};
}

/** The same times whenever it is made, in whole microseconds, some before 1970. */
function setTimes(root: string): void {
	readdirSync(root, { encoding: "buffer" }).forEach((name, at) => {
		const path = Buffer.concat([Buffer.from(`${root}/`), name]);
		const seconds = at === 3 ? -86_400.25 : 1_600_000_000.125 + at;
		lutimesSync(path, seconds, seconds);
	});
	utimesSync(root, 1_000_000_000, 1_000_000_000.5);
}
