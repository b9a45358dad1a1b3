import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../host/open.ts";
import { run } from "../process/run.ts";

export const busyboxImage = "davit-lab/busybox:1";
export const writerImage = "davit-lab/writer:1";

/** Where the writer image writes; mount a volume there. */
export const writerFolder = "/srv/written";

/** Makes the image `busybox` from Debian's static busybox, by `docker import`: no registry is asked. */
export async function importBusybox(host: Host, signal: AbortSignal): Promise<string> {
	const root = join(host.folder, ".busybox-image");
	await mkdir(join(root, "bin"), { recursive: true });
	for (const folder of ["tmp", "etc", "root"]) await mkdir(join(root, folder));
	await writeFile(
		join(root, "etc/passwd"),
		"root:x:0:0:root:/root:/bin/sh\nbackup:x:34:34:backup:/tmp:/bin/sh\n",
	);
	await writeFile(join(root, "etc/group"), "root:x:0:\nbackup:x:34:\n");
	await run(["cp", "/bin/busybox", join(root, "bin/busybox")], { signal });
	const { stdout } = await run(["busybox", "--list"], { signal });
	for (const applet of stdout.split("\n").filter((name) => name !== "" && name !== "busybox")) {
		await symlink("busybox", join(root, "bin", applet));
	}
	const tarPath = `${root}.tar`;
	await run(["tar", "--create", "--file", tarPath, "--directory", root, "--owner=0", "--group=0", "."], {
		signal,
	});
	const settings = ["--change", "ENV PATH=/bin", "--change", 'CMD ["sh"]'];
	await host.docker(["import", ...settings, tarPath, busyboxImage], { signal });
	await rm(root, { recursive: true });
	await rm(tarPath);
	return busyboxImage;
}

/**
 * Builds an image on top of busybox whose container appends a numbered line to `written.log` about a hundred times a second,
 * and ends within moments of SIGTERM. The line `N` is followed by its length, so half a line can be told from a whole one.
 */
export async function buildWriter(host: Host, signal: AbortSignal): Promise<string> {
	const script = [
		"#!/bin/sh",
		"trap 'exit 0' TERM",
		"n=0",
		`while :; do n=$((n + 1)); echo "$n \${#n}" >>${writerFolder}/written.log; usleep 10000; done`,
	];
	const recipe = [
		`FROM ${busyboxImage}`,
		"COPY write /bin/write",
		`VOLUME ${writerFolder}`,
		'LABEL org.davit.lab="writer"',
		`HEALTHCHECK --interval=1s --timeout=1s CMD test -s ${writerFolder}/written.log`,
		'CMD ["/bin/sh", "/bin/write"]',
	];
	await buildImage(
		{ host, tag: writerImage, files: { Dockerfile: recipe.join("\n"), write: script.join("\n") } },
		signal,
	);
	return writerImage;
}

export type ImageWish = {
	readonly host: Host;
	readonly tag: string;
	readonly files: Readonly<Record<string, string>>;
};

/** `docker build` of the given files, one of which is the Dockerfile. */
export async function buildImage({ host, tag, files }: ImageWish, signal: AbortSignal): Promise<void> {
	const folder = await mkdtemp(join(host.folder, ".build-"));
	for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
	// The classic builder: BuildKit is a plugin of its own that neither engine brings.
	await host.docker(["build", "--quiet", "--tag", tag, folder], { signal, env: { DOCKER_BUILDKIT: "0" } });
	await rm(folder, { recursive: true });
}
