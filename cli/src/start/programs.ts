import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type ProgramName = "coordinator" | "agent" | "integration";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folders: Readonly<Record<ProgramName, string>> = {
	coordinator: "coordinator",
	agent: "agents",
	integration: "ha-integration",
};

/** The file a program starts from. Programs are started by path, never imported. */
export function programFile(name: ProgramName): string {
	return join(root, folders[name], "src", "main.ts");
}

export function configFile(home: string, name: ProgramName): string {
	return join(home, "config", `${name}.json`);
}
