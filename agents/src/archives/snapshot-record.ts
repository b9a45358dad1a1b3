import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Bytes } from "@davit/protocol";
import { z } from "zod";
import { errnoOf } from "../files/file-failure.ts";
import { writeDurably } from "./write-durably.ts";

const snapshotFile = "snapshot.json";

/** Which snapshot holds an archive's content, and what it added to its repository. */
const SnapshotRecord = z.object({
	version: z.literal(1),
	snapshot: z.string().regex(/^[0-9a-f]{64}$/),
	addedBytes: Bytes,
});
export type SnapshotRecord = z.infer<typeof SnapshotRecord>;

export async function writeSnapshotRecord(
	folder: string,
	record: Omit<SnapshotRecord, "version">,
): Promise<void> {
	await writeDurably(join(folder, snapshotFile), `${JSON.stringify({ version: 1, ...record })}\n`);
}

/** Undefined where there is none, or it cannot be read: the snapshot is then found by its tag. */
export async function readSnapshotRecord(folder: string): Promise<SnapshotRecord | undefined> {
	try {
		const found = SnapshotRecord.safeParse(JSON.parse(await readFile(join(folder, snapshotFile), "utf8")));
		return found.success ? found.data : undefined;
	} catch (error) {
		if (error instanceof SyntaxError || errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
}
