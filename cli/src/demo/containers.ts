import { readFile } from "node:fs/promises";
import type { Context } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { say } from "../output/write.ts";
import type { DemoEngine } from "./engine.ts";
import { packImage } from "./pack-image.ts";

const label = "davit.demo";
const image = "davit-demo:latest";
const writers = ["davit-demo-diary", "davit-demo-counter"] as const;
const filter = encodeURIComponent(JSON.stringify({ label: [`${label}=1`] }));

/** Makes and starts two containers that write to a volume of their own each; what is there already stays as it is. */
export async function makeContainers(engine: DemoEngine, context: Context): Promise<readonly string[]> {
	const known = namesOf(
		await engine.call({ method: "GET", path: `/containers/json?all=1&filters=${filter}` }),
	);
	if (!(await hasImage(engine))) {
		say(context, "demo: making an image of this machine's Node, a few seconds …");
		await importImage(engine);
	}
	for (const name of writers) {
		if (!known.includes(name)) await makeContainer(engine, name);
		await engine.call({ method: "POST", path: `/containers/${name}/start` });
	}
	return writers;
}

/** Removes every container, volume and image with the demo's label; nothing without it. Answers their names. */
export async function removeContainers(engine: DemoEngine): Promise<string[]> {
	const removed: string[] = [];
	for (const name of namesOf(
		await engine.call({ method: "GET", path: `/containers/json?all=1&filters=${filter}` }),
	)) {
		await engine.call({
			method: "DELETE",
			path: `/containers/${encodeURIComponent(name)}?force=1`,
			allow: [404],
		});
		removed.push(`container ${name}`);
	}
	const volumes = await engine.call({ method: "GET", path: `/volumes?filters=${filter}` });
	for (const volume of isRecord(volumes) ? listOf(volumes["Volumes"]) : []) {
		const name = String(volume["Name"]);
		await engine.call({ method: "DELETE", path: `/volumes/${encodeURIComponent(name)}`, allow: [404] });
		removed.push(`volume ${name}`);
	}
	for (const found of listOf(await engine.call({ method: "GET", path: `/images/json?filters=${filter}` }))) {
		await engine.call({ method: "DELETE", path: `/images/${String(found["Id"])}?force=1`, allow: [404] });
		removed.push("the demo's image");
	}
	return removed;
}

async function hasImage(engine: DemoEngine): Promise<boolean> {
	return listOf(await engine.call({ method: "GET", path: `/images/json?filters=${filter}` })).length > 0;
}

async function importImage(engine: DemoEngine): Promise<void> {
	const { tar, libraryPath } = await packImage(
		process.execPath,
		await readFile(new URL("./writer.js", import.meta.url)),
	);
	const changes = [
		`LABEL ${label}=1`,
		`ENV LD_LIBRARY_PATH=${libraryPath}`,
		'ENTRYPOINT ["/usr/bin/node", "/writer.js"]',
	];
	const query = new URLSearchParams([
		["fromSrc", "-"],
		["repo", image.slice(0, image.indexOf(":"))],
		["tag", "latest"],
		...changes.map((change): [string, string] => ["changes", change]),
	]);
	await engine.call({
		method: "POST",
		path: `/images/create?${query}`,
		tar: tar,
	});
}

async function makeContainer(engine: DemoEngine, name: string): Promise<void> {
	const labels = { [label]: "1" };
	await engine.call({ method: "POST", path: "/volumes/create", body: { Name: name, Labels: labels } });
	await engine.call({
		method: "POST",
		path: `/containers/create?name=${name}`,
		body: {
			Image: image,
			Cmd: ["/data"],
			Labels: labels,
			HostConfig: {
				Binds: [`${name}:/data`],
				NetworkMode: "none",
				Memory: 128 * 1024 * 1024,
				RestartPolicy: { Name: "unless-stopped" },
			},
		},
	});
}

function namesOf(containers: unknown): string[] {
	return listOf(containers).map((container) => {
		const [name] = Array.isArray(container["Names"]) ? container["Names"] : [];
		return String(name).replace(/^\//, "");
	});
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
	return Array.isArray(value) ? value.filter(isRecord) : [];
}
