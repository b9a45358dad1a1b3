import { createRequire } from "node:module";
import { constants } from "node:os";
import type koffi from "koffi";
import { type RawPath, systemPath } from "./raw-path.ts";

/** What Linux offers and Node has no call for. Errors come as negative numbers of errno, as the kernel itself gives them. */
export interface System {
	/** Fills `into` with names, each ended by a NUL; returns their bytes, which is all it does without `into`. */
	listAttributes(at: RawPath | OpenFd, into?: Buffer): number;
	getAttribute(at: RawPath | OpenFd, name: RawPath, into: Buffer): number;
	setAttribute(path: RawPath, name: RawPath, value: Buffer): number;
	removeAttribute(path: RawPath, name: RawPath): number;
	/** Where the next content (or hole) at or after `offset` begins. */
	seek(fd: number, offset: number, to: "data" | "hole"): number;
	/** Of the path itself, never of what it points to. */
	setTime(path: RawPath, mtimeNs: bigint): number;
	setOpenTime(fd: number, mtimeNs: bigint): number;
	makeNode(path: RawPath, mode: number, device: readonly [number, number]): number;
}

/** Of a file that is open: no path is looked up once more. */
export type OpenFd = number;

/** What `losses` lists where the calls are missing. */
export const lostWithoutSystem = ["extended attributes", "access control lists"];

let loaded: System | "missing" | undefined;

/**
 * The calls, through koffi (ADR 0040); undefined where it has no binary for this machine. Loaded when it is first asked for, and asked
 * for only in the file worker and in the helper container: native code never runs in the agent's own thread.
 */
export function systemCalls(): System | undefined {
	loaded ??= load() ?? "missing";
	return loaded === "missing" ? undefined : loaded;
}

function load(): System | undefined {
	if (process.platform !== "linux" || !wideMachines.has(process.arch)) return undefined;
	try {
		// What the package named koffi exports is what its types say.
		const library = createRequire(import.meta.url)("koffi") as typeof koffi;
		return bind(library);
	} catch (error) {
		// Whatever stops native code from loading, files go on without it, and manifests say what is lost.
		if (error instanceof Error) return undefined;
		throw error;
	}
}

/** Of 64 bits, where an offset and a time have eight bytes each, the lowest first. */
const wideMachines: ReadonlySet<string> = new Set(["x64", "arm64", "riscv64", "loong64"]);

function bind(library: typeof koffi): System {
	const libc = library.load(null);
	const list = libc.func("long llistxattr(const void *path, void *list, size_t size)");
	const get = libc.func("long lgetxattr(const void *path, const void *name, void *value, size_t size)");
	const listOpen = libc.func("long flistxattr(int fd, void *list, size_t size)");
	const getOpen = libc.func("long fgetxattr(int fd, const void *name, void *value, size_t size)");
	const set = libc.func(
		"int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)",
	);
	const remove = libc.func("int lremovexattr(const void *path, const void *name)");
	const seek = libc.func("int64_t lseek(int fd, int64_t offset, int whence)");
	const setTimes = libc.func("int utimensat(int folder, const void *path, const void *times, int flags)");
	const setOpenTimes = libc.func("int futimens(int fd, const void *times)");
	const makeNode = libc.func("int mknod(const void *path, unsigned int mode, uint64_t device)");
	const answer = (result: number): number => (result < 0 ? -library.errno() : result);
	return {
		listAttributes(at, into) {
			const [names, bytes] = [into ?? null, into?.length ?? 0];
			return answer(typeof at === "number" ? listOpen(at, names, bytes) : list(pathBytes(at), names, bytes));
		},
		getAttribute(at, name, into) {
			const key = nameBytes(name);
			return answer(
				typeof at === "number"
					? getOpen(at, key, into, into.length)
					: get(pathBytes(at), key, into, into.length),
			);
		},
		setAttribute: (path, name, value) =>
			answer(set(pathBytes(path), nameBytes(name), value, value.length, 0)),
		removeAttribute: (path, name) => answer(remove(pathBytes(path), nameBytes(name))),
		seek: (fd, offset, to) => answer(Number(seek(fd, offset, to === "data" ? seekData : seekHole))),
		setTime: (path, mtimeNs) => answer(setTimes(atFolder, pathBytes(path), timesOf(mtimeNs), atLink)),
		setOpenTime: (fd, mtimeNs) => answer(setOpenTimes(fd, timesOf(mtimeNs))),
		makeNode: (path, mode, device) => answer(makeNode(pathBytes(path), mode, deviceNumber(device))),
	};
}

// From Linux's headers; the same on every architecture.
const [seekData, seekHole] = [3, 4];
const [atFolder, atLink] = [-100, 0x100];

const pathSpace = Buffer.alloc(4200);

/** Good until the next call. */
function pathBytes(path: RawPath): Buffer {
	if (path.length >= pathSpace.length) return Buffer.from(`${path}\0`, "latin1");
	pathSpace[pathSpace.write(path, 0, "latin1")] = 0;
	return pathSpace;
}

function nameBytes(name: RawPath): Buffer {
	return Buffer.from(`${name}\0`, "latin1");
}

/** Two `timespec`, of access and of change; in the machine's own order, as the kernel reads them. */
const times = new BigInt64Array(4);

function timesOf(ns: bigint): BigInt64Array {
	const second = 1_000_000_000n;
	const fraction = ((ns % second) + second) % second;
	times[0] = times[2] = (ns - fraction) / second;
	times[1] = times[3] = fraction;
	return times;
}

/** Linux's encoding of a device number (`gnu_dev_makedev`). */
function deviceNumber([major, minor]: readonly [number, number]): bigint {
	const [high, low] = [BigInt(major), BigInt(minor)];
	return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n);
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** The name of a negative answer: ENOTSUP and the like. */
export function nameOfErrno(answer: number): string {
	return errnoNames.get(-answer) ?? `error ${-answer}`;
}

/** As what `node:fs` throws. */
export function systemError(answer: number, { call, path }: { call: string; path: RawPath }): Error {
	const code = nameOfErrno(answer);
	return Object.assign(new Error(`${code}: ${call} ${systemPath(path)}`), {
		code,
		path: `${systemPath(path)}`,
	});
}
