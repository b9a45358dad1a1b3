import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { z } from "zod";

/** All that a file system tells of one entry, read by none of Davit's own readers. Names are one character a byte. */
export const Portrait = z.strictObject({
	path: z.string(),
	type: z.string(),
	mode: z.string(),
	uid: z.int(),
	gid: z.int(),
	size: z.int().optional(),
	sha256: z.string().optional(),
	/** Most of it is holes. */
	sparse: z.literal(true).optional(),
	mtimeNs: z.string(),
	target: z.string().optional(),
	device: z.string().optional(),
	/** The first name of the same inode. */
	linkTo: z.string().optional(),
	/** As `getfattr` dumps them, in order. */
	attributes: z.array(z.string()).optional(),
});
export type Portrait = z.infer<typeof Portrait>;

/** Everything below `root` and itself, in the order of the names' bytes. */
export function portrayTree(root: string): Portrait[] {
	const attributes = readAttributes(root);
	const links = new Map<string, string>();
	return [".", ...namesBelow(root, "")].map((path) => {
		const stat = lstatSync(bytesOf(root, path), { bigint: true });
		const inode = `${stat.dev}:${stat.ino}`;
		const linkTo = stat.isDirectory() || stat.nlink === 1n ? undefined : links.get(inode);
		if (linkTo === undefined) links.set(inode, path);
		const own = attributes.get(path);
		return {
			...{ path, type: typeOf(stat), mode: (stat.mode & 0o7777n).toString(8) },
			...{ uid: Number(stat.uid), gid: Number(stat.gid), mtimeNs: String(stat.mtimeNs) },
			...(stat.isFile() ? contentOf(root, path) : {}),
			...(stat.isFile() && stat.size > 65_536n && stat.blocks * 512n < stat.size / 2n
				? { sparse: true as const }
				: {}),
			...(stat.isSymbolicLink() ? { target: readlinkSync(bytesOf(root, path), { encoding: "latin1" }) } : {}),
			...(stat.isCharacterDevice() || stat.isBlockDevice() ? { device: String(stat.rdev) } : {}),
			...(linkTo === undefined ? {} : { linkTo }),
			...(own === undefined ? {} : { attributes: own }),
		};
	});
}

/**
 * Where two portraits differ, one line each; none when they are the same. Times may differ by `toleranceNs`: who sets them through
 * floating point loses nanoseconds.
 */
export function differences(
	found: readonly Portrait[],
	wanted: readonly Portrait[],
	toleranceNs = 0n,
): string[] {
	const rest = new Map(found.map((portrait) => [portrait.path, portrait]));
	const lines = wanted.flatMap((portrait) => {
		const other = rest.get(portrait.path);
		rest.delete(portrait.path);
		if (other === undefined) return [`${portrait.path}: missing`];
		const apartNs = BigInt(other.mtimeNs) - BigInt(portrait.mtimeNs);
		const isSameTime = apartNs <= toleranceNs && apartNs >= -toleranceNs;
		const [is, should] = [other, portrait].map((one) =>
			JSON.stringify(isSameTime ? { ...one, mtimeNs: "" } : one, Object.keys(one).sort()),
		);
		return is === should ? [] : [`${portrait.path}: is ${is}, should be ${should}`];
	});
	return [...lines, ...[...rest.keys()].map((path) => `${path}: should not be there`)];
}

function* namesBelow(root: string, folder: string): Generator<string, void> {
	const entries = readdirSync(bytesOf(root, folder === "" ? "." : folder), { encoding: "latin1" }).sort();
	for (const name of entries) {
		const path = folder === "" ? name : `${folder}/${name}`;
		yield path;
		if (lstatSync(bytesOf(root, path)).isDirectory()) yield* namesBelow(root, path);
	}
}

function contentOf(root: string, path: string): { size: number; sha256: string } {
	const content = readFileSync(bytesOf(root, path));
	return { size: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

function typeOf(stat: BigIntStats): string {
	if (stat.isFile()) return "file";
	if (stat.isDirectory()) return "directory";
	if (stat.isSymbolicLink()) return "symlink";
	if (stat.isFIFO()) return "fifo";
	if (stat.isSocket()) return "socket";
	return stat.isCharacterDevice() ? "character-device" : "block-device";
}

/** What `getfattr` finds, by path; nothing where the program is missing, which the tests install. */
function readAttributes(root: string): Map<string, string[]> {
	const argv = [
		"--recursive",
		"--physical",
		"--no-dereference",
		"--dump",
		"--match=-",
		"--encoding=hex",
		".",
	];
	const found = new Map<string, string[]>();
	for (const block of execFileSync("getfattr", argv, { cwd: root, encoding: "latin1" }).split("\n\n")) {
		const [head = "", ...lines] = block.split("\n").filter((line) => line !== "");
		const path = head
			.replace("# file: ", "")
			.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
		if (lines.length > 0) found.set(path, lines.sort());
	}
	return found;
}

function bytesOf(root: string, path: string): Buffer {
	return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
}
