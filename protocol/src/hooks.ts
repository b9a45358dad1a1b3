import { z } from "zod";

/** What a hook is called in the agent's configuration; a request can name it and say nothing else of it. */
export const HookName = z
	.string()
	.regex(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/, "use 1 to 48 of a-z, 0-9 and -");

/** Hooks of the configuration that are run; absent = all of the resource, empty = none. */
export const HookNames = z.array(HookName).max(40);

/** What came of a hook. */
export const HookReport = z.object({
	name: HookName,
	when: z.enum(["before", "after"]),
	container: z.string(),
	/** Null where it never began, was ended, or nobody knows. */
	exitCode: z.int().nullable(),
	/** The end of what it wrote. */
	lines: z.array(z.string()).max(5),
	/** Why it counts as failed; absent = it did not. */
	failure: z.string().optional(),
});
export type HookReport = z.infer<typeof HookReport>;
