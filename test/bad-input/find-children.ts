import { readFile } from "node:fs/promises";

/** The process of `davit start`'s agent, which leads a group with its worker. @throws Error where there is none */
export async function findAgent(startPid: number): Promise<number> {
	const children = await readFile(`/proc/${startPid}/task/${startPid}/children`, "utf8");
	for (const pid of children.trim().split(" ").map(Number)) {
		const words = await readFile(`/proc/${pid}/cmdline`, "utf8");
		if (words.includes("agents/src/main.ts")) return pid;
	}
	throw new Error(`process ${startPid} has no agent: ${children}`);
}
