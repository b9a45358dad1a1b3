/**
 * A path below a tree's root as the file system holds it: each character is one byte (latin1). `.` is the root itself.
 * It is compact, orders by raw bytes with `<`, and keeps names that are not UTF-8.
 */
export type RawPath = string;

export const rootPath: RawPath = ".";

export function rawOf(text: string): RawPath {
	return Buffer.from(text, "utf8").toString("latin1");
}

/** The path of an entry for a system call, below `root` (itself raw). */
export function locate(root: RawPath, path: RawPath): string | Buffer {
	return systemPath(placeOf(root, path));
}

/** The same, raw. */
export function placeOf(root: RawPath, path: RawPath): RawPath {
	return path === rootPath ? root : `${root}/${path}`;
}

/** Raw bytes for a system call; the text itself where both spell the same. */
export function systemPath(raw: RawPath): string | Buffer {
	return isAscii(raw) ? raw : Buffer.from(raw, "latin1");
}

export function joinRaw(directory: RawPath, name: RawPath): RawPath {
	return directory === rootPath ? name : `${directory}/${name}`;
}

export function parentOf(path: RawPath): RawPath {
	const slash = path.lastIndexOf("/");
	return slash === -1 ? rootPath : path.slice(0, slash);
}

/** Whether `path` lies below `folder`, and is not it. */
export function isBelow(path: RawPath, folder: RawPath): boolean {
	return folder === rootPath ? path !== rootPath : path.startsWith(`${folder}/`);
}

/** Raw bytes as text where they are UTF-8, else as base64. */
export function encodeRaw(raw: RawPath): { readonly text: string } | { readonly base64: string } {
	if (isAscii(raw)) return { text: raw };
	const bytes = Buffer.from(raw, "latin1");
	const text = bytes.toString("utf8");
	// A replacement character that stands for broken bytes does not encode back to them.
	return Buffer.from(text, "utf8").equals(bytes) ? { text } : { base64: bytes.toString("base64") };
}

/** For a person: one line, never longer than 200 characters. */
export function showRaw(raw: RawPath): string {
	const text = Buffer.from(raw, "latin1")
		.toString("utf8")
		.replaceAll(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`);
	return text.length <= 200 ? text : `${text.slice(0, 98)} … ${text.slice(-98)}`;
}

/** The order of a walk: a directory, then what is in it; names by their raw bytes. */
export function comparePaths(left: RawPath, right: RawPath): number {
	if (left === right) return 0;
	if (left === rootPath) return -1;
	if (right === rootPath) return 1;
	const shorter = Math.min(left.length, right.length);
	let at = 0;
	while (at < shorter && left.charCodeAt(at) === right.charCodeAt(at)) at += 1;
	return rank(left, at) - rank(right, at);
}

/** A path that ends comes first, and a separator before every byte of a name. */
function rank(path: RawPath, at: number): number {
	if (at >= path.length) return -2;
	const code = path.charCodeAt(at);
	return code === 0x2f ? -1 : code;
}

function isAscii(text: string): boolean {
	for (let at = 0; at < text.length; at += 1) {
		if (text.charCodeAt(at) > 0x7f) return false;
	}
	return true;
}
