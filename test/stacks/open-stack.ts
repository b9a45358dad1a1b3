import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeIdentity, recipientOf } from "@davit/agents/encryption/age-header.ts";
import { ProjectName, resourceId } from "@davit/protocol";
import { openRig, type Rig } from "../agents/open-rig.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, busyboxImage, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";

export const stack = ProjectName.parse("media");
export const stackId = resourceId({ kind: "stack", stack });
export const subnet = "172.31.77.0/24";

/** Values that no archive may hold in plain text: of `.env`, of the Compose file itself, of a file of a secret, of an address. */
export const planted = {
	token: "tok3n-of-dotenv-8d1f",
	password: "hunter2-in-the-compose-file",
	secret: "swordfish-of-a-secret-file",
	address: "correct-horse-battery",
} as const;

/** Two services: one that writes to a volume without end, one that serves a folder and reads another; with a network, a secret and files. */
const composeFile = `
services:
  web:
    image: ${busyboxImage}
    command: ["httpd", "-f", "-p", "8080", "-h", "/www", "-c", "/etc/httpd.conf"]
    stop_grace_period: 1s
    environment:
      API_TOKEN: "\${API_TOKEN}"
      UPSTREAM: "http://me:${planted.address}@db:5432/"
      TZ: UTC
    volumes:
      - ./www:/www
      - ./httpd.conf:/etc/httpd.conf:ro
      - /etc/hostname:/etc/machine-name:ro
      - ./notes:/notes:ro
    networks: [front]
    healthcheck: { test: ["CMD", "wget", "-qO-", "http://127.0.0.1:8080/"], interval: 1s, timeout: 2s, retries: 10 }
  db:
    image: ${writerImage}
    stop_grace_period: 1s
    environment:
      POSTGRES_PASSWORD: ${planted.password}
    volumes: ["data:${writerFolder}"]
    secrets: [db_password]
    networks: [front]
volumes:
  data: {}
networks:
  front: { ipam: { config: [{ subnet: ${subnet} }] } }
secrets:
  db_password: { file: ./db_password.txt }
`;

export interface StackScene {
	readonly rig: Rig;
	/** Of the project. */
	readonly folder: string;
	/** Writes the project's files and starts it. */
	start(): Promise<void>;
	/** Takes containers, volumes, networks and files away, and the images too. */
	wipe(): Promise<void>;
	/** What the service answers, from within its container. */
	ask(): Promise<string>;
	compose(...words: readonly string[]): Promise<string>;
}

export async function openStackScene(host: Host, signal: AbortSignal): Promise<StackScene> {
	const parent = join(host.folder, "opt");
	const folder = join(parent, stack);
	await importBusybox(host, signal);
	await buildWriter(host, signal);
	const rig = await openRig(
		{ folder: host.folder, socketPath: host.socketPath, folders: [parent], compose: host.compose },
		signal,
	);
	const compose = (...words: readonly string[]) =>
		host.docker(["compose", "--project-directory", folder, ...words], { signal, cwd: folder });
	return {
		...{ rig, folder, compose },
		async start() {
			await writeProject(folder);
			await compose("up", "--detach", "--wait", "--pull", "never");
		},
		async wipe() {
			const ids = (await host.docker(["ps", "--all", "--quiet"], { signal })).split("\n").filter(Boolean);
			if (ids.length > 0) await host.docker(["rm", "--force", ...ids], { signal });
			await host.docker(["volume", "prune", "--all", "--force"], { signal }).catch(() => undefined);
			for (const volume of await list(host, ["volume", "ls", "--quiet"]))
				await host.docker(["volume", "rm", volume], { signal });
			await host.docker(["network", "prune", "--force"], { signal });
			await host.docker(["image", "rm", "--force", writerImage, busyboxImage], { signal });
			await rm(parent, { recursive: true, force: true });
			await mkdir(parent);
		},
		ask: () => host.docker(["exec", `${stack}-web-1`, "wget", "-qO-", "http://127.0.0.1:8080/"], { signal }),
	};
}

export async function list(host: Host, words: readonly string[]): Promise<string[]> {
	return (await host.docker(words)).split("\n").filter(Boolean);
}

async function writeProject(folder: string): Promise<void> {
	for (const name of ["www", "notes"]) await mkdir(join(folder, name), { recursive: true });
	await writeFile(join(folder, "compose.yaml"), composeFile);
	await writeFile(join(folder, ".env"), `API_TOKEN=${planted.token}\n`);
	await writeFile(join(folder, "db_password.txt"), `${planted.secret}\n`);
	await chmod(join(folder, "db_password.txt"), 0o640);
	await writeFile(join(folder, "httpd.conf"), "A:*\n");
	await writeFile(join(folder, "notes/today"), "nothing\n");
	await writeFile(join(folder, "www/index.html"), "the first page\n");
}

/** Puts a recovery key and a key of the host in place; returns the recovery identity. */
export async function plantKeys(home: string): Promise<string> {
	const folder = join(home, "agent");
	await mkdir(folder, { recursive: true });
	const [own, recovery] = [await makeIdentity(), await makeIdentity()];
	await writeFile(join(folder, "age-identities.txt"), `${own}\n`, { mode: 0o600 });
	await writeFile(join(folder, "recovery-recipients.txt"), `${await recipientOf(recovery, "test")}\n`);
	return recovery;
}
