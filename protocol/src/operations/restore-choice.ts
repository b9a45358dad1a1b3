import { z } from "zod";
import { InnerPath } from "./looking.ts";

/** What a new volume, or a new folder, is called. */
export const NewName = z.string().min(1).max(4096);

/** What of an archive is restored, how and where; nothing given = all of it, exactly, in place of what is there. */
export const restoreChoice = {
	/** Only these files and folders become what the archive holds; the rest stays as it is. */
	paths: z.array(InnerPath).min(1).max(100).optional(),
	/** The archive's entries go over what is there; nothing is removed. */
	merge: z.literal(true).optional(),
	/** Into a new volume of that name, or a new folder: its whole path, or its name beside the original. */
	as: NewName.optional(),
} as const;

export const RestoreChoice = z.object(restoreChoice);
export type RestoreChoice = z.infer<typeof RestoreChoice>;

/** The part of parameters or of an action that says what is restored; empty = all of it, in place. */
export function choiceIn({ paths, merge, as }: RestoreChoice): RestoreChoice {
	return {
		...(paths === undefined ? {} : { paths }),
		...(merge === undefined ? {} : { merge }),
		...(as === undefined ? {} : { as }),
	};
}

/** What is new has nothing to be merged with. */
export function isPossible({ merge, as }: RestoreChoice): boolean {
	return merge === undefined || as === undefined;
}

export const impossible = "what is restored under a new name (as) has nothing to be merged with";
