import { chown, mkdir, readdir, readlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { Engine, EngineContainerDetails } from "../docker/engine.ts";
import type { EngineImage } from "../docker/open-images.ts";
import type { EngineNetwork } from "../docker/open-networks.ts";
import { requireEngine } from "../docker/require-engine.ts";
import type { OperationContext } from "../operation.ts";
import { davitVersion } from "../version.ts";
import type { LeftOut, LocatedStack } from "./locate-stack.ts";
import { readSources, type SourceFile } from "./read-sources.ts";
import { runCompose } from "./run-compose.ts";
import type { SecretDocument } from "./seal-secrets.ts";
import { holdsSecret, secretsInLines, splitSecrets } from "./split-secrets.ts";

export const renderedFile = "compose.rendered.json";
export const filesFolder = "files";

/** An image of a stack: what it is called there, and what it is. */
export interface StackImage extends EngineImage {
	readonly name: string;
}

export interface Gathered {
	readonly images: readonly StackImage[];
	readonly leftOut: readonly LeftOut[];
	readonly warnings: readonly string[];
	/** Undefined where nothing was secret. */
	readonly secrets: SecretDocument | undefined;
}

/** Writes what a project is into an empty folder, and returns apart what of it is secret. Nothing secret is in the folder. */
export async function gatherProject(
	stack: LocatedStack,
	context: OperationContext,
	{ folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<Gathered> {
	const engine = await requireEngine(context, signal);
	const { rendered, warnings, version } = await renderProject(stack, context, signal);
	const { files, leftOut } = await readSources(stack, rendered, context);
	const { plain, secrets } = splitSecrets(
		rendered,
		files.filter(({ isSecret }) => isSecret).flatMap(valuesOf),
	);
	const isSecret = (file: SourceFile) =>
		file.isSecret ||
		[...secrets, ...secretsInLines(file.content.toString("latin1"))].some((secret) =>
			holdsSecret(file.content.toString("latin1"), [secret]),
		);
	const containers = await inspectAll(stack, engine, signal);
	const images = await findImages(containers, engine, signal);
	const write = (name: string, content: unknown) =>
		writeFile(join(folder, name), `${JSON.stringify(content, undefined, "\t")}\n`);
	await write(renderedFile, plain);
	await write("images.json", images);
	await write("networks.json", await findNetworks(stack, containers, { engine, signal }));
	await write("devices.json", await findDevices(containers));
	await write("versions.json", { davit: davitVersion, engine: engine.version, compose: version });
	await write("project.json", describeProject(stack));
	for (const file of files) if (!isSecret(file)) await plantFile(file, join(folder, filesFolder));
	const hidden = files.filter(isSecret);
	const hasSecrets = secrets.length > 0 || hidden.length > 0;
	const document = {
		version: 1,
		rendered,
		files: hidden.map(({ content, ...file }) => ({ ...file, content: content.toString("base64") })),
	} as const;
	return { images, leftOut, warnings, secrets: hasSecrets ? document : undefined };
}

function describeProject({ project, folder, configFiles, environmentFiles }: LocatedStack) {
	return { project, folder, configFiles, environmentFiles };
}

/** The project as Compose itself reads it, with all values put in. */
async function renderProject(stack: LocatedStack, { config }: OperationContext, signal: AbortSignal) {
	const { project, folder, configFiles: files, environmentFiles } = stack;
	const { output: version } = await runCompose(["version", "--short"], { config, signal });
	const asked = { project: { project, folder, files, environmentFiles }, config, signal };
	const { output, remarks } = await runCompose(["config", "--format", "json"], asked);
	const warnings = [...remarks.matchAll(/"?The \\?"(\w+)\\?" variable is not set/g)].map(
		([, name]) => `variable ${name} of the Compose files is not set, so they were read with an empty one`,
	);
	return {
		rendered: z.looseObject({}).parse(JSON.parse(output)),
		warnings: [...new Set(warnings)],
		version: version.trim(),
	};
}

/** What a secret file may hold that could stand elsewhere too. */
function valuesOf({ content }: SourceFile): string[] {
	const text = content.toString("utf8");
	const whole = text.trim();
	return whole.includes("\n") || whole.includes("=") ? secretsInLines(text) : [whole];
}

async function inspectAll({ containers }: LocatedStack, engine: Engine, signal: AbortSignal) {
	const found: EngineContainerDetails[] = [];
	for (const id of containers) {
		const container = await engine.container(id, signal);
		if (container !== undefined) found.push(container);
	}
	return found;
}

async function findImages(
	containers: readonly EngineContainerDetails[],
	engine: Engine,
	signal: AbortSignal,
): Promise<StackImage[]> {
	const names = new Map(containers.map(({ image, imageId }) => [image, imageId]));
	const images: StackImage[] = [];
	for (const [name, id] of [...names].sort()) {
		const found = await engine.image(id, signal);
		if (found !== undefined) images.push({ name, ...found });
	}
	return images;
}

async function findNetworks(
	{ project }: LocatedStack,
	containers: readonly EngineContainerDetails[],
	{ engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<EngineNetwork[]> {
	const used = new Set(containers.flatMap(({ networks }) => networks));
	const builtIn = new Set(["bridge", "host", "none"]);
	return (await engine.networks(signal)).filter(
		({ name, labels }) =>
			!builtIn.has(name) && (used.has(name) || labels["com.docker.compose.project"] === project),
	);
}

/** Devices by the names that stay the same when they are plugged in anew. */
async function findDevices(containers: readonly EngineContainerDetails[]) {
	const links = await listSerialLinks();
	return containers.flatMap(({ name, devices }) =>
		devices.map(({ source, target }) => ({
			container: name,
			source,
			target,
			byId: links.filter(({ to }) => to === source).map(({ link }) => link),
		})),
	);
}

const serialFolder = "/dev/serial/by-id";

async function listSerialLinks(): Promise<{ link: string; to: string }[]> {
	// A machine without a serial device has no such folder.
	const names = await readdir(serialFolder).catch(() => []);
	const links: { link: string; to: string }[] = [];
	for (const name of names) {
		const link = join(serialFolder, name);
		links.push({ link, to: resolve(serialFolder, await readlink(link)) });
	}
	return links;
}

/** Under its whole path below a folder, with its owner, mode and time. */
export async function plantFile(
	{ path, content, mode, uid, gid, mtimeMs }: Omit<SourceFile, "isSecret">,
	below: string,
): Promise<string> {
	const target = join(below, path);
	await mkdir(dirname(target), { recursive: true, mode: 0o700 });
	await writeFile(target, content, { mode });
	if (process.geteuid?.() === 0) await chown(target, uid, gid);
	await utimes(target, mtimeMs / 1000, mtimeMs / 1000);
	return target;
}
