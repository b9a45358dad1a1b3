import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { OperationError } from "@davit/protocol";
import type { AgentConfig } from "../config.ts";

export interface Composed {
	readonly output: string;
	/** What it wrote to standard error: warnings, where it succeeded. */
	readonly remarks: string;
}

/** Which project, as Compose itself is told: everything by argument, nothing through a shell. */
export interface ComposeProject {
	readonly project: string;
	readonly folder: string;
	readonly files: readonly string[];
	readonly environmentFiles: readonly string[];
}

const pluginFolders = [
	"/usr/libexec/docker/cli-plugins",
	"/usr/lib/docker/cli-plugins",
	"/usr/local/libexec/docker/cli-plugins",
	"/usr/local/lib/docker/cli-plugins",
	join(homedir(), ".docker/cli-plugins"),
] as const;
const remarksAtMost = 20_000;

/** Compose 2's program; undefined where this host has none. */
export async function findCompose({ compose }: Pick<AgentConfig, "compose">): Promise<string | undefined> {
	const candidates =
		compose === undefined ? pluginFolders.map((folder) => `${folder}/docker-compose`) : [compose];
	for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
	return undefined;
}

/** @throws OperationError compose-missing */
export async function requireCompose(config: Pick<AgentConfig, "compose">): Promise<string> {
	const found = await findCompose(config);
	if (found !== undefined) return found;
	const where = config.compose ?? pluginFolders.join(", ");
	throw new OperationError("compose-missing", `this host has no Docker Compose 2: looked for it in ${where}`);
}

/**
 * Runs Compose with typed arguments and waits for its end.
 * @throws OperationError compose-missing | compose-refused with its own last words
 */
export async function runCompose(
	words: readonly string[],
	{ project, config, signal }: ComposeContext,
): Promise<Composed> {
	const program = await requireCompose(config);
	const argv = [...(project === undefined ? [] : projectWords(project)), ...words];
	const child = spawn(program, argv, {
		stdio: ["ignore", "pipe", "pipe"],
		env: environmentFor(config),
		...(project === undefined ? {} : { cwd: project.folder }),
		signal,
	});
	const ended = new Promise<number>((resolve, reject) => {
		child.once("error", (error) => (child.pid === undefined ? reject(error) : undefined));
		child.once("close", (code) => resolve(code ?? -1));
	});
	const [code, output, remarks] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
	signal.throwIfAborted();
	if (code === 0) return { output, remarks: remarks.slice(0, remarksAtMost) };
	const [verb = ""] = words;
	throw new OperationError(
		"compose-refused",
		`docker compose ${verb} ${project === undefined ? "" : `of ${project.project} `}ended with ${code}: ${lastLine(remarks)}`,
	);
}

interface ComposeContext {
	readonly project?: ComposeProject;
	readonly config: Pick<AgentConfig, "compose" | "dockerSocket" | "home">;
	readonly signal: AbortSignal;
}

function projectWords({ project, folder, files, environmentFiles }: ComposeProject): string[] {
	return [
		...["--project-name", project, "--project-directory", folder],
		...files.flatMap((file) => ["--file", file]),
		...environmentFiles.flatMap((file) => ["--env-file", file]),
	];
}

/** Nothing of the agent's own surroundings: a variable there would change what a Compose file means. */
function environmentFor({ dockerSocket, home }: ComposeContext["config"]): Record<string, string> {
	return {
		PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
		HOME: home,
		DOCKER_HOST: `unix://${dockerSocket ?? "/var/run/docker.sock"}`,
		COMPOSE_PROGRESS: "plain",
	};
}

function lastLine(remarks: string): string {
	const lines = remarks.split("\n").map((line) => line.trim());
	return (lines.filter((line) => line !== "").at(-1) ?? "it said nothing").slice(0, 500);
}

async function isExecutable(path: string): Promise<boolean> {
	return access(path, constants.X_OK).then(
		() => true,
		// Not there, or not to be run: the next one is looked at.
		() => false,
	);
}
