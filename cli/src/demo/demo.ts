import { existsSync } from "node:fs";
import { realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { say, writeAnswer } from "../output/write.ts";
import { makeContainers, removeContainers } from "./containers.ts";
import { openDiary } from "./diary.ts";
import { openEngine } from "./engine.ts";

/** Something to back up, damage and restore. Containers stay until `--demo-remove`; the folder's writer ends with this. */
export interface Demo extends AsyncDisposable {
	/** Folders that the agent must be allowed to touch. */
	readonly folders: readonly string[];
}

export async function openDemo(context: Context): Promise<Demo> {
	const engine = await openEngine(context.environment["DOCKER_HOST"], context.signal);
	if (engine !== undefined) {
		const names = await makeContainers(engine, context);
		say(
			context,
			`demo: ${names.join(" and ")} write to volumes of the same names; davit start --demo-remove takes them away`,
		);
		return { folders: [], [Symbol.asyncDispose]: async () => undefined };
	}
	const diary = await openDiary(demoFolder(context.home), context);
	say(context, `demo: no Docker engine answers, so a writer keeps a diary in ${diary.folder}`);
	return { folders: [diary.folder], [Symbol.asyncDispose]: () => diary[Symbol.asyncDispose]() };
}

/** Removes what carries the demo's label, and the demo's folder. */
export async function removeDemo(context: Context): Promise<number> {
	const engine = await openEngine(context.environment["DOCKER_HOST"], context.signal);
	const removed = engine === undefined ? [] : await removeContainers(engine);
	const folder = demoFolder(context.home);
	if (existsSync(folder)) {
		const { forgetFolder } = await import("../start/agent-settings.ts");
		await forgetFolder(join(await realpath(folder), "diary"), context);
		await rm(folder, { recursive: true, force: true });
		removed.push(folder);
	}
	const text = removed.length === 0 ? "there was nothing of the demo" : `removed ${removed.join(", ")}`;
	writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: removed, text: () => text });
	return 0;
}

function demoFolder(home: string): string {
	return `${home}-demo`;
}
