import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
	type Bench,
	commandLine,
	megabytes,
	memoryOf,
	percentile,
	processTree,
	type Row,
} from "./measure.ts";
import { runDavit } from "./run-davit.ts";

const starts = 3;
const idleSeconds = 10;

export const start: Bench = {
	name: "start",
	about: `\`davit start\` with one folder and no engine, ${starts} times (median); memory after ${idleSeconds} idle seconds, from /proc`,
	async run(signal) {
		const folder = await mkdtemp(join(tmpdir(), "davit-bench-folder-"));
		await writeFile(join(folder, "note"), "hello\n");
		const secondsToPage: number[] = [];
		let rows: Row[] = [];
		for (let count = 1; count <= starts; count += 1) {
			await using davit = await runDavit([folder], signal);
			secondsToPage.push(davit.answeredAfterMs / 1000);
			if (count < starts) continue;
			await wait(idleSeconds * 1000, undefined, { signal });
			rows = memoryRows(davit.pid);
		}
		await rm(folder, { recursive: true });
		const seconds = percentile(secondsToPage, 0.5);
		const page: Row = {
			...{ measure: "start to a page that answers", value: `${seconds.toFixed(2)} s`, peer: "" },
			...{ goal: "≤ 3 s", met: seconds <= 3 },
		};
		return [page, ...rows];
	},
};

function memoryRows(pid: number): Row[] {
	const processes = processTree(pid).map((id) => ({ command: commandLine(id), memory: memoryOf(id) }));
	const agent = processes.find(({ command }) => command.includes("agents/src/main.ts"));
	if (agent === undefined) throw new Error("no agent runs below davit start");
	const { rssBytes, privateBytes } = agent.memory;
	const whole = processes.reduce((sum, { memory }) => sum + memory.proportionalBytes, 0);
	return [
		{
			...{ measure: "idle agent, resident", value: megabytes(rssBytes), peer: "" },
			...{ goal: "≤ 70 MB", met: rssBytes <= 70e6 },
		},
		{
			...{ measure: "idle agent, private", value: megabytes(privateBytes), peer: "" },
			...{ goal: "≤ 30 MB", met: privateBytes <= 30e6 },
		},
		{
			measure: `all of davit start (${processes.length} processes), proportional`,
			...{ value: megabytes(whole), peer: "", goal: "≤ 180 MB", met: whole <= 180e6 },
		},
	];
}
