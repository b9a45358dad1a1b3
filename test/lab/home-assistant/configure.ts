import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type HomeAssistantVersion, type Recipe, recipes } from "./version.ts";

export type Configuration = {
	readonly version: HomeAssistantVersion;
	/** Empty so far. */
	readonly folder: string;
	readonly port: number;
};

/** Writes the least configuration that serves: no `default_config`, which would reach for the internet. */
export async function writeConfiguration({ version, folder, port }: Configuration): Promise<void> {
	const recipe: Recipe = recipes[version];
	await mkdir(join(folder, ".storage"), { recursive: true });
	for (const domain of ["automation", "script"])
		await mkdir(join(folder, "blueprints", domain), { recursive: true });
	await writeFile(join(folder, "automations.yaml"), "[]\n");
	await writeFile(join(folder, "scripts.yaml"), "");
	const home =
		"{name: lab, time_zone: UTC, unit_system: metric, currency: EUR, country: NL, latitude: 52.1, longitude: 5.1, elevation: 1}";
	const lines = [
		`homeassistant: ${home}`,
		...["api:", "config:", "history:", "logbook:"],
		"recorder: {commit_interval: 1, purge_keep_days: 2}",
		"automation: !include automations.yaml",
		"script: !include scripts.yaml",
		"logger: {default: warning}",
		...(recipe.portIn === "configuration" ? [`http: {server_host: 127.0.0.1, server_port: ${port}}`] : []),
	];
	await writeFile(join(folder, "configuration.yaml"), `${lines.join("\n")}\n`);
	if (recipe.portIn === "storage")
		await writeFile(join(folder, ".storage/http"), JSON.stringify(storedHttp(port)));
}

/** From 2026.8 on the YAML for http is a trial that takes itself back after five minutes; this store is what counts. */
function storedHttp(port: number): unknown {
	const stable = {
		server_host: ["127.0.0.1"],
		server_port: port,
		cors_allowed_origins: ["https://cast.home-assistant.io"],
		login_attempts_threshold: -1,
		ip_ban_enabled: true,
		ssl_profile: "modern",
		use_x_frame_options: true,
		created_at: "2026-01-01T00:00:00+00:00",
		error: null,
		error_message: null,
	};
	return {
		version: 2,
		minor_version: 2,
		key: "http",
		data: { pending: null, yaml_migration_done: true, stable },
	};
}
