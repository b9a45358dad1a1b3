import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { acceptsConnection, findFreePort } from "../lab/network/port.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { run } from "../lab/process/run.ts";
import { findS3Server } from "../lab/provision/build-s3-server.ts";
import { installPackages } from "../lab/provision/install-packages.ts";
import { findRclone } from "../lab/provision/unpack-restic.ts";

/** The settings by which a repository is reached at a server. */
export interface Served {
	readonly url: string;
	readonly sftpArguments?: string;
	readonly environmentFiles?: Readonly<Record<string, string>>;
	readonly port: number;
}

const signal = () => AbortSignal.timeout(120_000);

/** `rclone serve restic` on loopback. */
export async function startRest(t: TestContext, folder: string): Promise<Served> {
	const port = await findFreePort();
	const argv = ["serve", "restic", "--addr", `127.0.0.1:${port}`, join(folder, "rest")];
	await startServer(t, { argv: [await findRclone(signal()), ...argv], folder, port });
	return { url: `rest:http://127.0.0.1:${port}/`, port };
}

/** OpenSSH on loopback, with keys of its own, for nothing but SFTP. */
export async function startSftp(t: TestContext, folder: string): Promise<Served> {
	await installPackages(["sftp"], signal());
	const port = await findFreePort();
	const ssh = join(folder, "ssh");
	await mkdir(ssh, { mode: 0o700 });
	for (const name of ["host", "user"]) {
		await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(ssh, name)], { signal: signal() });
	}
	const known = await readFile(join(ssh, "host.pub"), "utf8");
	await writeFile(join(ssh, "known_hosts"), `[127.0.0.1]:${port} ${known}`);
	await writeFile(join(ssh, "authorized_keys"), await readFile(join(ssh, "user.pub")), { mode: 0o600 });
	await writeFile(
		join(ssh, "sshd_config"),
		[
			...[
				`Port ${port}`,
				"ListenAddress 127.0.0.1",
				`HostKey ${join(ssh, "host")}`,
				"PidFile none",
				"UsePAM no",
			],
			...[
				`AuthorizedKeysFile ${join(ssh, "authorized_keys")}`,
				"StrictModes no",
				"PasswordAuthentication no",
			],
			...[
				"PermitRootLogin prohibit-password",
				"Subsystem sftp internal-sftp",
				"ForceCommand internal-sftp",
				"",
			],
		].join("\n"),
	);
	// Its privileges are separated in here; Debian's own service makes it, and is not started.
	if (!existsSync("/run/sshd")) await mkdir("/run/sshd", { mode: 0o755 });
	await chmod("/run/sshd", 0o755);
	await startServer(t, {
		argv: ["/usr/sbin/sshd", "-D", "-e", "-f", join(ssh, "sshd_config")],
		folder,
		port,
	});
	const options = `-i ${join(ssh, "user")} -o UserKnownHostsFile=${join(ssh, "known_hosts")} -o IdentitiesOnly=yes`;
	await mkdir(join(folder, "sftp"));
	return {
		url: `sftp://root@127.0.0.1:${port}/${join(folder, "sftp/repository")}`,
		sftpArguments: options,
		port,
	};
}

/** s3s-fs on loopback, with one bucket and one key to it; it is built first where it is missing. */
export async function startS3(t: TestContext, folder: string): Promise<Served> {
	const program = await findS3Server(AbortSignal.timeout(s3BuildMs));
	const port = await findFreePort();
	const [keyId, key] = ["davit", randomBytes(20).toString("hex")];
	const environmentFiles = {
		AWS_ACCESS_KEY_ID: join(folder, "id"),
		AWS_SECRET_ACCESS_KEY: join(folder, "key"),
	};
	await writeFile(environmentFiles.AWS_ACCESS_KEY_ID, `${keyId}\n`, { mode: 0o600 });
	await writeFile(environmentFiles.AWS_SECRET_ACCESS_KEY, `${key}\n`, { mode: 0o600 });
	await mkdir(join(folder, "s3/davit"), { recursive: true });
	const address = ["--host", "127.0.0.1", "--port", String(port)];
	const argv = [program, ...address, "--access-key", keyId, "--secret-key", key, join(folder, "s3")];
	await startServer(t, { argv, folder, port });
	return { url: `s3:http://127.0.0.1:${port}/davit/repository`, environmentFiles, port };
}

/** How long building the S3 server may take, once on a machine. */
export const s3BuildMs = 900_000;

interface Starting {
	readonly argv: readonly string[];
	readonly folder: string;
	readonly port: number;
}

/** Starts a program that listens on a port, and ends it with the test. */
async function startServer(t: TestContext, { argv, folder, port }: Starting): Promise<void> {
	const [program = "", ...rest] = argv;
	const env = {
		PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
		HOME: folder,
		RCLONE_CONFIG: join(folder, "rclone.conf"),
	};
	const child = spawn(program, rest, { stdio: "ignore", env });
	t.after(() => end(child));
	const explain = () => `${program} ended with ${child.exitCode ?? child.signalCode ?? "nothing yet"}`;
	await pollUntil(() => acceptsConnection("127.0.0.1", port), {
		...{ what: `${program} listens`, timeoutMs: 20_000, signal: signal(), explain },
	});
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const ended = once(child, "exit");
	child.kill("SIGTERM");
	await ended;
}
