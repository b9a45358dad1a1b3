import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Context } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { writeAnswer } from "../output/write.ts";
import { claimHome } from "./claim-home.ts";
import { failedStart } from "./failed-start.ts";
import { makeHome } from "./home.ts";
import { programFile } from "./programs.ts";

/** Joins this host with the string that `davit host join NAME` printed on the coordinator's machine. */
export async function joinWithString(string: string, context: Context): Promise<number> {
	await makeHome(context.home);
	await using _claim = await claimHome(context.home);
	const { host, site } = await runJoiner(string, context);
	const text = `this machine is the host ${host} of the site ${site} now; davit start --agent-only runs its agent`;
	writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: [host], text: () => text });
	return 0;
}

/** The string goes over standard input, where no list of processes shows it. */
async function runJoiner(string: string, context: Context): Promise<{ host: string; site: string }> {
	const joiner = fork(programFile("agent"), ["join", "--home", context.home], {
		execArgv: ["--disable-warning=ExperimentalWarning"],
		stdio: ["pipe", "pipe", "pipe", "ipc"],
		env: { ...context.environment },
		signal: context.signal,
	});
	let report: unknown;
	joiner.on("message", (message) => {
		if (isRecord(message)) report = message["failed"];
	});
	const [answer, words] = [linesOf(joiner.stdout), linesOf(joiner.stderr)];
	joiner.stdin?.end(`${string}\n`);
	const [code] = await once(joiner, "close");
	const joined: unknown = code === 0 ? JSON.parse(answer.at(-1) ?? "null") : undefined;
	if (isRecord(joined)) return { host: String(joined["host"]), site: String(joined["site"]) };
	throw failedStart("agent", { code: typeof code === "number" ? code : null, report, words });
}

/** What a stream says, line by line, as it comes. */
function linesOf(stream: ChildProcess["stdout"]): readonly string[] {
	const lines: string[] = [];
	if (stream !== null) createInterface({ input: stream }).on("line", (line) => lines.push(line));
	return lines;
}
