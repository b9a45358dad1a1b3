import { mkdir, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { pollUntil } from "../process/poll.ts";
import { run } from "../process/run.ts";

export type SmallDisk = AsyncDisposable & {
	/** Where it is mounted. */
	readonly path: string;
	/** Writes until the file system refuses with ENOSPC. @throws Error where it was full before. */
	fill(): Promise<void>;
	/** Deletes what `fill` wrote. @throws Error unless space is free again. */
	free(): Promise<void>;
};

export type SmallDiskWish = {
	/** A folder under the host's `folder`, so that it is found again after a crash; made when missing. */
	readonly path: string;
	readonly megabytes: number;
	/** ext4 where it is not said. */
	readonly fileSystem?: keyof typeof makers;
};

/** Programs that make an empty file system in a file. */
const makers = {
	// No blocks kept back for root: root is who fills it here.
	ext4: ["mkfs.ext4", "-q", "-m", "0"],
	btrfs: ["mkfs.btrfs", "-q"],
	/** At least 300 MiB. */
	xfs: ["mkfs.xfs", "-q", "-m", "reflink=1"],
	"xfs without reflinks": ["mkfs.xfs", "-q", "-m", "reflink=0"],
} as const;

/** A file system in a file, mounted at `path`: small enough to be filled. */
export async function openSmallDisk(
	{ path, megabytes, fileSystem = "ext4" }: SmallDiskWish,
	signal: AbortSignal,
): Promise<SmallDisk> {
	const image = imageOf(path);
	await mkdir(path, { recursive: true });
	await run(["truncate", "--size", `${megabytes}M`, image], { signal });
	await run([...makers[fileSystem], image], { signal });
	await run(["mount", "-o", "loop", image, path], { signal });
	const ballast = join(path, ".ballast");
	return {
		path,
		fill: () => fillUp(ballast),
		free: async () => {
			await rm(ballast);
			// ext4 gives blocks back when its journal says so, moments later.
			const isFree = async (): Promise<boolean> => (await statfs(path)).bavail > 0;
			await pollUntil(isFree, { what: `free space on ${path}`, timeoutMs: 5_000, signal });
		},
		[Symbol.asyncDispose]: async () => {
			await run(["umount", path], { signal: AbortSignal.timeout(20_000) });
			await rm(image);
		},
	};
}

/** The file that holds the file system. */
export function imageOf(path: string): string {
	return `${path}.image`;
}

/** Ever smaller pieces: a full disk has no room for one more byte of content. */
async function fillUp(ballast: string): Promise<void> {
	await using file = await open(ballast, "a");
	let written = 0;
	for (const pieceBytes of [1 << 20, 4096, 1]) {
		const piece = Buffer.alloc(pieceBytes, 1);
		let bytes = await writePiece(file, piece);
		for (; bytes > 0; bytes = await writePiece(file, piece)) written += bytes;
	}
	await file.sync();
	if (written === 0) throw new Error(`${ballast}: the disk was full before`);
}

/** Bytes written; 0 where the disk is full. */
async function writePiece(file: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<number> {
	try {
		return (await file.write(piece)).bytesWritten;
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOSPC") return 0;
		throw error;
	}
}
