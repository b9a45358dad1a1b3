import { VolumeName } from "@davit/protocol";
import { z } from "zod";

// The parts of the Engine API's replies that Davit reads, from API 1.41 (20.10) on. The engine writes `null` for empty lists.

const labels = z
	.record(z.string(), z.string())
	.nullish()
	.transform((value) => value ?? {});

export const VersionReply = z.object({
	Version: z.string(),
	ApiVersion: z.string(),
	MinAPIVersion: z.string().optional(),
});

export const InfoReply = z.object({
	Name: z.string(),
	DockerRootDir: z.string(),
	OperatingSystem: z.string().default(""),
});

export const VolumeReply = z
	.object({
		Name: z.string(),
		Driver: z.string(),
		Mountpoint: z.string(),
		Scope: z.string().optional(),
		Labels: labels,
		Options: labels,
	})
	.transform((volume) => ({
		name: volume.Name,
		driver: volume.Driver,
		/** Where the engine sees the data; empty for some drivers. */
		mountpoint: volume.Mountpoint,
		labels: volume.Labels,
		/** `type`, `o`, `device` … of a volume that is not a plain folder. */
		options: volume.Options,
	}));
export type EngineVolume = z.infer<typeof VolumeReply>;

export const VolumesReply = z.object({
	Volumes: z
		.array(VolumeReply)
		.nullish()
		.transform((value) => (value ?? []).filter(({ name }) => VolumeName.safeParse(name).success)),
});

const MountReply = z
	.object({
		Type: z.string(),
		Name: z.string().optional(),
		Source: z.string().default(""),
		Destination: z.string(),
		RW: z.boolean().default(true),
	})
	.transform((mount) => ({
		type: mount.Type,
		/** The volume's name; absent for binds. */
		volume: mount.Name,
		/** The host's path. */
		source: mount.Source,
		target: mount.Destination,
		writes: mount.RW,
	}));
export type EngineMount = z.infer<typeof MountReply>;

const mounts = z
	.array(MountReply)
	.nullish()
	.transform((value) => value ?? []);

export const ContainersReply = z.array(
	z
		.object({
			Id: z.string(),
			Names: z
				.array(z.string())
				.nullish()
				.transform((value) => value ?? []),
			Image: z.string(),
			State: z.string(),
			Labels: labels,
			Mounts: mounts,
		})
		.transform((container) => ({
			id: container.Id,
			name: nameOf(container.Names[0] ?? container.Id),
			image: container.Image,
			/** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
			state: container.State,
			labels: container.Labels,
			mounts: container.Mounts,
		})),
);
export type EngineContainer = z.infer<typeof ContainersReply>[number];

export const RestartPolicy = z.object({
	Name: z.string(),
	MaximumRetryCount: z.int().default(0),
});
export type RestartPolicy = z.infer<typeof RestartPolicy>;

export const ContainerReply = z
	.object({
		Id: z.string(),
		Name: z.string(),
		Image: z.string(),
		State: z.object({
			...{ Status: z.string(), StartedAt: z.string(), FinishedAt: z.string(), ExitCode: z.int().default(0) },
			Pid: z.int().default(0),
			Health: z.object({ Status: z.string() }).nullish(),
		}),
		Config: z.object({ Image: z.string().default(""), Labels: labels, StopTimeout: z.int().nullish() }),
		HostConfig: z.object({
			RestartPolicy: RestartPolicy.nullish(),
			AutoRemove: z.boolean().default(false),
			Devices: z
				.array(z.object({ PathOnHost: z.string(), PathInContainer: z.string() }))
				.nullish()
				.transform((value) => value ?? []),
		}),
		NetworkSettings: z
			.object({ Networks: z.record(z.string(), z.unknown()).nullish() })
			.nullish()
			.transform((value) => Object.keys(value?.Networks ?? {})),
		Mounts: mounts,
	})
	.transform((container) => ({
		id: container.Id,
		name: nameOf(container.Name),
		state: container.State.Status,
		/** Of its first process, as the engine's host sees it; 0 where there is none. */
		pid: container.State.Pid,
		/** As the engine writes it; changes with every start. */
		startedAt: container.State.StartedAt,
		/** When it ended the last time; the year 1 where it never did. */
		finishedAt: container.State.FinishedAt,
		exitCode: container.State.ExitCode,
		labels: container.Config.Labels,
		/** Seconds it asks for to end by itself; absent = the engine's default. */
		stopTimeoutSeconds: container.Config.StopTimeout ?? undefined,
		restartPolicy: container.HostConfig.RestartPolicy ?? { Name: "no", MaximumRetryCount: 0 },
		/** Started with `--rm`: stopping it removes it. */
		isRemovedWhenStopped: container.HostConfig.AutoRemove,
		mounts: container.Mounts,
		/** As it was asked for, and the id of what that was. */
		image: container.Config.Image,
		imageId: container.Image,
		networks: container.NetworkSettings,
		devices: container.HostConfig.Devices.map(({ PathOnHost, PathInContainer }) => ({
			...{ source: PathOnHost, target: PathInContainer },
		})),
		/** `starting`, `healthy` or `unhealthy`; absent where it has no check. */
		health: container.State.Health?.Status,
	}));
export type EngineContainerDetails = z.infer<typeof ContainerReply>;

export const CreatedReply = z.object({ Id: z.string() });
export const ExecReply = z.object({
	Running: z.boolean(),
	ExitCode: z.int().nullish(),
	Pid: z.int().default(0),
});
export const ImageReply = z.object({ Id: z.string() });
export const ImagesReply = z.array(
	z.object({
		RepoTags: z
			.array(z.string())
			.nullish()
			.transform((value) => value ?? []),
	}),
);
export const ProgressLine = z.object({ status: z.string().optional(), error: z.string().optional() });

export const EventLine = z
	.object({
		Type: z.string(),
		Action: z.string(),
		Actor: z.object({ ID: z.string(), Attributes: labels }),
	})
	.transform((event) => ({
		...{ type: event.Type, action: event.Action, id: event.Actor.ID },
		/** Of a volume's mount: `container` and `read/write`. */
		attributes: event.Actor.Attributes,
	}));
export type EngineEvent = z.infer<typeof EventLine>;

function nameOf(name: string): string {
	return name.replace(/^\//, "");
}
