import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Context } from "../context.ts";
import { writeAnswer } from "../output/write.ts";
import { hostNameOfMachine } from "./agent-settings.ts";
import { claimHome } from "./claim-home.ts";
import { failedStart } from "./failed-start.ts";
import { makeHome } from "./home.ts";
import { programFile } from "./programs.ts";

/** Joins this host with the string that `davit host join NAME` printed on the coordinator's machine. */
export async function joinWithString(string: string, context: Context): Promise<number> {
	await makeHome(context.home);
	await using _claim = await claimHome(context.home);
	await runJoiner(string, context);
	const text = `${hostNameOfMachine()} has joined; davit start --agent-only runs its agent`;
	writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: [], text: () => text });
	return 0;
}

/** The string goes over standard input, where no list of processes shows it. */
async function runJoiner(string: string, context: Context): Promise<void> {
	const words: string[] = [];
	const joiner = spawn(
		process.execPath,
		["--disable-warning=ExperimentalWarning", programFile("agent"), "join", "-", "--home", context.home],
		{ stdio: ["pipe", "inherit", "pipe"], env: { ...context.environment }, signal: context.signal },
	);
	createInterface({ input: joiner.stderr }).on("line", (line) => words.push(line));
	joiner.stdin.end(`${string}\n`);
	const [code] = await once(joiner, "close");
	if (code !== 0)
		throw failedStart("agent", { code: typeof code === "number" ? code : null, report: undefined, words });
}
