import type { z } from "zod";
import type { Body } from "./read-body.ts";
import { Refusal } from "./refusal.ts";

/** What was posted, by its schema. @throws Refusal 400 */
export function read<Schema extends z.ZodType>(
	schema: Schema,
	{ content }: Pick<Body, "content">,
): z.infer<Schema> {
	const parsed = schema.safeParse(content);
	if (parsed.success) return parsed.data;
	const why = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
	throw new Refusal(400, `what was posted cannot be used: ${why.join("; ").slice(0, 1000)}`, {
		hint: "mend what is named above",
	});
}
