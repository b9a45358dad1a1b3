import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AgeRecipient, Instant, OperationError } from "@davit/protocol";
import { z } from "zod";
import { writeDurably } from "../files/write-durably.ts";

const SavedKit = z.object({ recipient: AgeRecipient, savedAt: Instant, places: z.array(z.string()) });
export type SavedKit = z.infer<typeof SavedKit>;
const KitFile = z.object({ version: z.literal(1), kits: z.array(SavedKit) });

/** Which recovery kits people have; never the keys in them. */
export interface KitMemory {
	/** The newest first. */
	readonly kits: readonly SavedKit[];
	/** From now on archives are encrypted for its key. */
	add(kit: SavedKit): Promise<void>;
}

/**
 * What `recovery.json` of the coordinator's folder remembers.
 * @throws OperationError configuration-invalid where it holds something else
 */
export function openKitMemory(folder: string): KitMemory {
	const file = join(folder, "recovery.json");
	let kits = readKits(file);
	return {
		get kits() {
			return kits;
		},
		async add(kit) {
			const next = [kit, ...kits.filter(({ recipient }) => recipient !== kit.recipient)];
			await writeDurably(file, `${JSON.stringify({ version: 1, kits: next }, undefined, "\t")}\n`, 0o600);
			kits = next;
		},
	};
}

function readKits(file: string): readonly SavedKit[] {
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
		throw error;
	}
	try {
		return KitFile.parse(JSON.parse(text)).kits;
	} catch (error) {
		throw new OperationError(
			"configuration-invalid",
			`${file}, which names the recovery keys, cannot be read`,
			{
				cause: error,
				hint: "put it back from a copy, or move it away and make a new recovery kit",
			},
		);
	}
}
