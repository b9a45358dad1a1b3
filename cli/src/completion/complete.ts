// The one home of @bomb.sh/tab.
import tabRoot, { type Complete, script } from "@bomb.sh/tab";
import tab from "@bomb.sh/tab/commander";
import type { Context } from "../context.ts";
import { callFor } from "../door/call.ts";
import { topics } from "../help/topics.ts";
import { makeProgram } from "../parse.ts";

export const shells = ["bash", "zsh", "fish", "powershell"] as const;
type Shell = (typeof shells)[number];

/** A shell is not kept waiting longer for names. */
const patienceMs = 300;

export function isShell(word: string): word is Shell {
	return shells.some((shell) => shell === word);
}

/** The script that asks `davit complete -- …` for what may follow. */
export async function completionScript(shell: Shell): Promise<string> {
	return await capture(() => script(shell, "davit", "davit"));
}

/** What may follow the words that were typed, as the shell's script reads it. */
export async function completeWords(words: readonly string[], context: Context): Promise<string> {
	const names = await askForNames(context);
	tab(makeProgram("", () => undefined));
	const offer = (values: readonly string[]) => (complete: Complete) => {
		for (const value of values) complete(value, "");
	};
	for (const [command, values] of valuesByCommand(names)) {
		const known = tabRoot.commands.get(command);
		for (const argument of known?.arguments.values() ?? []) argument.handler = offer(values);
	}
	return await capture(() => tabRoot.parse([...words]));
}

interface Names {
	readonly resources: readonly string[];
	readonly archives: readonly string[];
	readonly runs: readonly string[];
	readonly hosts: readonly string[];
	readonly schedules: readonly string[];
}

function valuesByCommand(names: Names): ReadonlyMap<string, readonly string[]> {
	const latest = names.resources.map((address) => `${address}@latest`);
	return new Map([
		["status", [...names.resources, ...names.hosts]],
		["list", ["hosts", "resources", "archives", "runs", "schedules"]],
		["show", [...names.resources, ...names.hosts, ...names.runs, ...names.archives]],
		["backup", names.resources],
		["verify", [...latest, ...names.archives]],
		["drill", [...names.resources, ...names.archives]],
		["copy", names.resources],
		["restore", [...latest, ...names.archives]],
		["browse", [...latest, ...names.archives]],
		["diff", [...latest, ...names.archives]],
		["get", [...latest, ...names.archives]],
		["undo", [...names.runs, ...names.resources]],
		["watch", names.runs],
		["log", names.runs],
		["cancel", names.runs],
		["schedule add", [...names.resources, ...names.hosts.map((host) => `${host}/*`)]],
		["schedule remove", names.schedules],
		["account", ["home-assistant"]],
		["completion", shells],
		["help", Object.keys(topics)],
	]);
}

/** Names the coordinator knows; none when it does not answer at once. */
async function askForNames(context: Context): Promise<Names> {
	const caller = {
		home: context.home,
		signal: AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]),
	};
	const [hosts, resources, archives, runs, schedules] = await Promise.allSettled([
		callFor("davit/hosts/1", { method: "GET", path: "/hosts" }, caller),
		callFor("davit/resources/1", { method: "GET", path: "/resources" }, caller),
		callFor("davit/archives/1", { method: "GET", path: "/archives" }, caller),
		callFor("davit/runs/1", { method: "GET", path: "/runs" }, caller),
		callFor("davit/schedules/1", { method: "GET", path: "/schedules" }, caller),
	]);
	return {
		hosts: answered(hosts)?.items.map((row) => row.host) ?? [],
		resources: answered(resources)?.items.map((row) => row.address.replace("/volume:", "/")) ?? [],
		archives: answered(archives)?.items.map((row) => row.short) ?? [],
		runs: answered(runs)?.items.map((run) => run.run) ?? [],
		schedules: answered(schedules)?.items.map((row) => row.name) ?? [],
	};
}

function answered<Value>(settled: PromiseSettledResult<Value>): Value | undefined {
	return settled.status === "fulfilled" ? settled.value : undefined;
}

/** The library prints; a command here answers. */
async function capture(print: () => void): Promise<string> {
	const lines: string[] = [];
	const { console } = globalThis;
	const { log } = console;
	console.log = (...parts: unknown[]) => lines.push(parts.map(String).join(" "));
	try {
		print();
	} finally {
		console.log = log;
	}
	return `${lines.join("\n")}\n`;
}
