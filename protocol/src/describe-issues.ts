import type { z } from "zod";

/** What a schema found wrong, in one line: where and why, at most three of them. */
export function describeIssues({ issues }: z.ZodError): string {
	const told = issues
		.slice(0, 3)
		.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
	return told.join("; ").slice(0, 1000);
}
