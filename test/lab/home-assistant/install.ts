import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ownEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";
import { buildOnce } from "../provision/build-once.ts";
import { findPython312 } from "../provision/find-python.ts";
import { findMirror } from "../provision/newer-debian.ts";
import { listRequirements } from "./list-requirements.ts";
import { type HomeAssistantVersion, type Recipe, recipes } from "./version.ts";

/** An installed Home Assistant: the argv that runs it on the configuration in `folder`. */
export type Installation = { launch(folder: string): string[] };

const certificates = "/etc/ssl/certs/ca-certificates.crt";

/** Installs it into the cache where it is missing, with everything it would otherwise fetch while it starts: one to two minutes. */
export async function installHomeAssistant(
	version: HomeAssistantVersion,
	signal: AbortSignal,
): Promise<Installation> {
	const recipe: Recipe = recipes[version];
	const build = (root: string) => installInto({ version, recipe, root }, signal);
	const root = await buildOnce(`home-assistant-${version}-1`, build, signal);
	if (recipe.suite === undefined) {
		return { launch: (folder) => [join(root, "venv/bin/python"), ...runConfiguration(folder)] };
	}
	// Mounts in a mount namespace of its own are gone with the process. The shell only ever sees its own arguments.
	const script =
		'mount -t proc proc "$1/proc" && mount --bind "$2" "$1/config" && root="$1" && shift 2 && exec chroot "$root" "$@"';
	const environment = [
		"/usr/bin/env",
		"-i",
		"PATH=/venv/bin:/usr/bin:/bin",
		"HOME=/tmp",
		"LANG=C.UTF-8",
		"TZ=UTC",
	];
	const inside = [
		...environment,
		`SSL_CERT_FILE=${certificates}`,
		"/venv/bin/python",
		...runConfiguration("/config"),
	];
	return { launch: (folder) => ["unshare", "--mount", "sh", "-c", script, "sh", root, folder, ...inside] };
}

function runConfiguration(folder: string): string[] {
	return ["-m", "homeassistant", "--config", folder, "--skip-pip"];
}

type Site = { readonly version: HomeAssistantVersion; readonly recipe: Recipe; readonly root: string };

async function installInto(site: Site, signal: AbortSignal): Promise<void> {
	const { version, recipe, root } = site;
	const uv = await prepareInstaller(site, signal);
	await uv([
		"venv",
		"--python",
		recipe.suite === undefined ? await requirePython312(signal) : recipe.python,
		uv.venv,
	]);
	const install = ["pip", "install", "--python", `${uv.venv}/bin/python`, `homeassistant==${version}`];
	await uv([...install, "--no-deps"]);
	const sources = join(root, "venv/lib", recipe.python, "site-packages/homeassistant");
	const overridden = recipe.overrides.map((override) => override.split(">=")[0] ?? override);
	const pinned = (await readFile(join(sources, "package_constraints.txt"), "utf8")).split("\n");
	const constraints = pinned.filter((line) => !overridden.some((name) => line.startsWith(`${name}==`)));
	await writeFile(join(root, "venv/requirements.txt"), (await listRequirements(sources)).join("\n"));
	await writeFile(join(root, "venv/constraints.txt"), constraints.join("\n"));
	await writeFile(join(root, "venv/overrides.txt"), recipe.overrides.join("\n"));
	const until = recipe.resolvedUntil === undefined ? [] : ["--exclude-newer", recipe.resolvedUntil];
	const lists = ["--requirement", "requirements", "--constraint", "constraints", "--override", "overrides"];
	const files = lists.map((word) => (word.startsWith("--") ? word : `${uv.venv}/${word}.txt`));
	await uv([...install, ...files, ...until, "--compile-bytecode"]);
	await rm(join(root, "uv-cache"), { recursive: true });
	await mkdir(join(root, "config"), { recursive: true });
}

/** Runs uv where the packages shall be used: on this machine or in the root. `venv` is the environment's path as seen there. */
type Installer = ((words: readonly string[]) => Promise<unknown>) & { readonly venv: string };

async function prepareInstaller({ recipe, root }: Site, signal: AbortSignal): Promise<Installer> {
	const tool = await installUv(signal);
	const settings = {
		UV_PYTHON_DOWNLOADS: "never",
		UV_LINK_MODE: "copy",
		...(await findPackageIndex(signal)),
	};
	if (recipe.suite === undefined) {
		const env = { ...settings, UV_CACHE_DIR: join(root, "uv-cache") };
		return Object.assign(
			(words: readonly string[]) => run([tool, ...words], { signal, env, contained: true }),
			{
				venv: join(root, "venv"),
			},
		);
	}
	await bootstrapDebian({ suite: recipe.suite, include: recipe.python, root }, signal);
	await copyFile(tool, join(root, "usr/local/bin/uv"));
	const assignments = Object.entries({ ...settings, UV_CACHE_DIR: "/uv-cache", SSL_CERT_FILE: certificates });
	const environment = [
		"/usr/bin/env",
		"-i",
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"HOME=/tmp",
		"LANG=C.UTF-8",
	];
	const inside = ["chroot", root, ...environment, ...assignments.map((pair) => pair.join("="))];
	return Object.assign(
		(words: readonly string[]) => run([...inside, "uv", ...words], { signal, contained: true }),
		{
			venv: "/venv",
		},
	);
}

function installUv(signal: AbortSignal): Promise<string> {
	const build = async (folder: string): Promise<void> => {
		await run(["python3", "-m", "venv", join(folder, "venv")], { signal });
		await run([join(folder, "venv/bin/pip"), "install", "--quiet", "uv"], { signal, contained: true });
		await cp(join(folder, "venv/bin/uv"), join(folder, "uv"));
		await rm(join(folder, "venv"), { recursive: true });
	};
	return buildOnce("uv-1", build, signal).then((folder) => join(folder, "uv"));
}

/** uv does not read pip's configuration: the index this machine is set to, and its proxy, are passed on. */
async function findPackageIndex(signal: AbortSignal): Promise<Record<string, string>> {
	const own = ownEnvironment();
	const passedOn = Object.entries(own).flatMap(([name, value]) =>
		value !== undefined && /_proxy$/i.test(name) ? [[name, value] as const] : [],
	);
	const argv = ["python3", "-m", "pip", "config", "get", "global.index-url"];
	const { code, stdout } = await run(argv, { signal, expectedCodes: [0, 1] });
	const index = own["UV_DEFAULT_INDEX"] ?? own["PIP_INDEX_URL"] ?? (code === 0 ? stdout.trim() : undefined);
	return { ...Object.fromEntries(passedOn), ...(index === undefined ? {} : { UV_DEFAULT_INDEX: index }) };
}

type DebianWish = { readonly suite: string; readonly include: string; readonly root: string };

async function bootstrapDebian({ suite, include, root }: DebianWish, signal: AbortSignal): Promise<void> {
	// Debian 12's debootstrap has no script for later suites; that of sid serves them all, signatures are checked as ever.
	const script = "/usr/share/debootstrap/scripts/sid";
	const options = ["--variant=minbase", `--include=${include},ca-certificates`];
	await run(["debootstrap", ...options, suite, root, await findMirror(signal), script], {
		signal,
		contained: true,
	});
	for (const path of ["var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"]) {
		await rm(join(root, path), { recursive: true, force: true });
	}
	await cp("/etc/resolv.conf", join(root, "etc/resolv.conf"), { dereference: true });
	if (existsSync(certificates)) await cp(certificates, join(root, certificates), { dereference: true });
}

async function requirePython312(signal: AbortSignal): Promise<string> {
	const python = await findPython312(signal);
	if (python === undefined) throw new Error("no Python 3.12 found; set DAVIT_LAB_PYTHON312 to one");
	return python;
}
