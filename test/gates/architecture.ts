import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

// Rules that no ready-made tool checks. Each has a planted violation in test/violations/.

const programs = ["protocol", "agents", "coordinator", "ha-integration", "cli"];
const bannedNames = /^(utils?|helpers?|common|shared|managers?|base|misc)(\.|$)/;
/** Schemas stand at many edges; every other library has one home file per program. */
const everywhere = new Set(["zod"]);

/** Every breach of the rules in the tree at `root`, one line each. */
export function findBreaches(root: string): string[] {
	return [...programs, "test"].flatMap((program) => {
		const files = sourceFiles(join(root, program));
		return [
			...files.flatMap((file) => badNames(relative(root, file))),
			...(program === "test" ? [] : program === "protocol" ? [] : spelledTopics(root, files)),
			...(program === "test" ? [] : scatteredLibraries(root, program, files)),
		];
	});
}

function sourceFiles(directory: string): string[] {
	return readdirSync(directory).flatMap((name) => {
		if (name === "node_modules" || name === ".turbo") return [];
		const path = join(directory, name);
		if (statSync(path).isDirectory()) return sourceFiles(path);
		return path.endsWith(".ts") ? [path] : [];
	});
}

function badNames(path: string): string[] {
	return path
		.split("/")
		.filter((part) => bannedNames.test(part))
		.map((part) => `${path}: "${part}" names no idea; name the file or folder after what it is about`);
}

function spelledTopics(root: string, files: readonly string[]): string[] {
	return files
		.filter((file) => !file.endsWith(".test.ts") && /["'`]davit\/v1/.test(readFileSync(file, "utf8")))
		.map((file) => `${relative(root, file)}: spells a topic; only protocol/src/topics.ts does`);
}

function scatteredLibraries(root: string, program: string, files: readonly string[]): string[] {
	const homes = new Map<string, string[]>();
	for (const file of files) {
		if (file.endsWith(".test.ts")) continue;
		for (const library of librariesOf(readFileSync(file, "utf8"))) {
			homes.set(library, [...(homes.get(library) ?? []), relative(root, file)]);
		}
	}
	return [...homes]
		.filter(([library, users]) => users.length > 1 && !everywhere.has(library))
		.map(([library, users]) => `${program}: ${library} has more than one home: ${users.join(", ")}`);
}

/** Libraries whose code a file loads; types alone do not count. */
function librariesOf(source: string): Set<string> {
	const found = new Set<string>();
	for (const match of source.matchAll(
		/^(?:import|export)\s+(?!type\b)[^;]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm,
	)) {
		const name = match[1] ?? match[2] ?? "";
		if (name === "" || name.startsWith(".") || name.startsWith("node:") || name.startsWith("@davit/"))
			continue;
		found.add(
			name
				.split("/")
				.slice(0, name.startsWith("@") ? 2 : 1)
				.join("/"),
		);
	}
	return found;
}

if (process.argv[1] !== undefined && basename(process.argv[1]) === "architecture.ts") {
	const breaches = findBreaches(join(dirname(fileURLToPath(import.meta.url)), "..", ".."));
	for (const breach of breaches) process.stdout.write(`${breach}\n`);
	process.exitCode = breaches.length === 0 ? 0 : 1;
}
