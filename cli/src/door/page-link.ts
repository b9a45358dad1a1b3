import { CommandError, exitCodes } from "../command-error.ts";
import { isRecord } from "./answers.ts";
import { callRaw } from "./call.ts";

/** A link that lets one browser in, once, within 10 minutes. */
export async function pageLink(caller: {
	readonly home: string;
	readonly signal: AbortSignal;
}): Promise<string> {
	const answer = await callRaw({ method: "POST", path: "/page-link", body: {} }, caller);
	if (isRecord(answer) && typeof answer["url"] === "string") return answer["url"];
	throw new CommandError("the coordinator answered without a link", {
		code: "unsupported",
		exitCode: exitCodes.blocked,
		next: "upgrade the older of the two, then davit start again",
	});
}
