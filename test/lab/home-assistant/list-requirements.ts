import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { objectFrom } from "./read-json.ts";

/**
 * The Python packages that Home Assistant would install by itself while it starts: those of the integrations it always
 * starts, of MQTT, and of all these depend on. Read from the sources in `folder`; nothing of it is run.
 */
export async function listRequirements(folder: string): Promise<string[]> {
	const read = (path: string) => readFile(join(folder, path), "utf8");
	const bootstrap = await read("bootstrap.py");
	const always = between(bootstrap, "DEFAULT_INTEGRATIONS = {", "\n}");
	// The page imports all of these when it asks for the list of services, and hangs where one cannot be imported.
	const services = between(await read("helpers/service.py"), "from homeassistant.components import (", ")\n");
	const todo = [
		...names(always, /^\s+"(\w+)"/gm),
		...names(services, /^\s+(\w+),/gm),
		...["mqtt", "history", "logbook", "recorder", "config", "api", "isal"],
	];
	if (always.includes("BASE_PLATFORMS")) {
		const platforms = await read("generated/entity_platforms.py");
		// analytics, backup and the MQTT flow import the client of the Supervisor, which belongs to hassio.
		todo.push("hassio", ...names(platforms, /^ {4}[A-Z_]+ = "(\w+)"/gm));
	}
	return collectRequirements(folder, todo);
}

async function collectRequirements(folder: string, todo: string[]): Promise<string[]> {
	const seen = new Set<string>();
	const requirements = new Set<string>();
	for (let domain = todo.pop(); domain !== undefined; domain = todo.pop()) {
		const path = join(folder, "components", domain, "manifest.json");
		if (seen.has(domain) || !existsSync(path)) continue;
		seen.add(domain);
		const manifest = objectFrom(JSON.parse(await readFile(path, "utf8")), path);
		for (const requirement of texts(manifest["requirements"])) requirements.add(requirement);
		todo.push(...texts(manifest["dependencies"]));
	}
	return [...requirements].sort();
}

function between(text: string, start: string, end: string): string {
	const from = text.indexOf(start);
	const to = text.indexOf(end, from);
	if (from === -1 || to === -1) throw new Error(`Home Assistant's sources no longer contain: ${start}`);
	return text.slice(from + start.length, to);
}

function names(text: string, pattern: RegExp): string[] {
	return [...text.matchAll(pattern)].flatMap(([, name]) => name ?? []);
}

function texts(value: unknown): string[] {
	return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
