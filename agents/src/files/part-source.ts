/** Reads a part, or starts to, and says when it is done with it. */
export type UsePart = (part: Buffer) => Promise<void> | undefined;

/** A file's content. */
export interface PartSource {
	/** Hands `use` the next part, which is good until it is done with it; whether there was one. */
	give(use: UsePart): Promise<boolean>;
}

/** Of what has none, and of what places no file. */
export const noContent: PartSource = { give: async () => false };
