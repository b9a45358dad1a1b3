import type { Context, Invocation } from "../context.ts";
import { pageLink } from "../door/page-link.ts";
import { writeAnswer } from "../output/write.ts";

/** Prints a link that lets one browser in, once. */
export async function page(_invocation: Invocation, context: Context): Promise<number> {
	const link = await pageLink(context);
	writeAnswer(context, { document: { schema: "davit/text/1", text: link }, ids: [link], text: () => link });
	return 0;
}
