import type { ByteSource } from "./read-bytes.ts";
import { wholeNumber } from "./read-records.ts";
import { type SparseRecords, TarDamage } from "./tar-header.ts";
import type { Stretches } from "./tree-entry.ts";
import { blockBytes } from "./write-tar.ts";

/** What our own writer and GNU tar stay far below. */
const maximumNumbers = 2_000_000;

export interface SparseMap {
	readonly stretches: Stretches;
	/** Of the stored bytes, what the map itself took. */
	readonly bytes: number;
}

/** The map of a file with holes: from its records, or from the blocks before its content. It must add up to what is stored. */
export async function readSparseMap(
	{ size, map }: SparseRecords,
	storedBytes: number,
	source: ByteSource,
): Promise<SparseMap> {
	const read = map === undefined ? await readBlocks(source, storedBytes) : { numbers: map, bytes: 0 };
	const stretches = pairUp(read.numbers, size);
	const sum = stretches.reduce((total, [, length]) => total + length, 0);
	if (sum + read.bytes !== storedBytes)
		throw new TarDamage("a sparse file's map does not add up to its content");
	return { stretches, bytes: read.bytes };
}

async function readBlocks(
	source: ByteSource,
	storedBytes: number,
): Promise<{ numbers: number[]; bytes: number }> {
	const numbers: number[] = [];
	let [wanted, rest, bytes]: [number | undefined, string, number] = [undefined, "", 0];
	while (wanted === undefined || numbers.length < wanted) {
		if (bytes + blockBytes > storedBytes) throw new TarDamage("a sparse file's map is cut off");
		bytes += blockBytes;
		const lines = (rest + (await source.take(blockBytes)).toString("latin1")).split("\n");
		rest = lines.pop() ?? "";
		for (const line of lines) {
			if (wanted === undefined) wanted = 2 * wholeNumber(line);
			else if (numbers.length < wanted) numbers.push(wholeNumber(line));
		}
		if ((wanted ?? 0) > maximumNumbers || rest.length > blockBytes) {
			throw new TarDamage("a sparse file's map is larger than Davit reads");
		}
	}
	return { numbers, bytes };
}

function pairUp(numbers: readonly number[], size: number): Stretches {
	if (numbers.length % 2 !== 0) throw new TarDamage("a sparse file's map has half a stretch");
	const stretches: [number, number][] = [];
	let end = 0;
	for (let at = 0; at < numbers.length; at += 2) {
		const [offset = 0, length = 0] = [numbers[at], numbers[at + 1]];
		if (offset < end || offset + length > size)
			throw new TarDamage("a sparse file's map leads out of its file");
		end = offset + length;
		const last = stretches.at(-1);
		if (length === 0) continue;
		if (last !== undefined && last[0] + last[1] === offset) last[1] += length;
		else stretches.push([offset, length]);
	}
	return stretches;
}
