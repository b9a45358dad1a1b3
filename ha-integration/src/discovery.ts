import {
	type Description,
	discoveryTopic,
	type HostName,
	kindWord,
	type ResourceId,
	resourceName,
	type SiteName,
	type Topics,
	topicsOf,
	wholeHost,
} from "@davit/protocol";
import { backupButton } from "./entities/backup-button.ts";
import { backupOverdueSensor, backupStateSensor } from "./entities/backup-status-sensors.ts";
import type { Component, ResourcePlace } from "./entities/component.ts";
import { jobEvent, jobTriggers, wholeHostEvents } from "./entities/job-event.ts";
import {
	backupDurationSensor,
	backupSizeSensor,
	backupSuspiciousSensor,
	lastGoodBackupSensor,
	lastProvenRestoreSensor,
	restoreDurationSensor,
} from "./entities/last-backup-sensors.ts";
import { presenceSensor } from "./entities/presence-sensor.ts";
import { deviceIdentifier, hostObject, hubObject, resourceObject, siteNode } from "./identity.ts";

/** A host with what Home Assistant is to see of it. */
export interface SeenHost {
	readonly host: HostName;
	readonly description: Description | undefined;
	/** Volumes with a name of their own, and folders. */
	readonly resources: readonly ResourceId[];
}

export interface SiteView {
	readonly site: SiteName;
	readonly version: string;
	/** Of the page; undefined where a browser elsewhere could not open it. */
	readonly pageUrl: string | undefined;
	readonly hosts: readonly SeenHost[];
}

/** Every discovery message of a site by its topic, in the order to publish: hub, then hosts, then their resources. */
export function discoverSite(view: SiteView): Map<string, string> {
	const topics = topicsOf(view.site);
	const messages = new Map<string, string>();
	const add = (object: string, message: object) =>
		messages.set(discoveryTopic(siteNode(view.site), object), JSON.stringify(message));
	add(hubObject, hubDevice(view, topics));
	for (const seen of view.hosts) add(hostObject(seen.host), hostDevice(view, topics, seen));
	for (const seen of view.hosts) {
		for (const resource of seen.resources) {
			const object = resourceObject(seen.host, resource);
			add(object, resourceDevice(view, { site: view.site, object, topics, host: seen.host, resource }));
		}
	}
	return messages;
}

/** The same device with every component cut to its platform: what makes old versions let go of a device before it is cleared. */
export function stripComponents(message: string): string | undefined {
	const parsed: unknown = JSON.parse(message);
	if (typeof parsed !== "object" || parsed === null || !("components" in parsed)) return undefined;
	const { components } = parsed;
	if (typeof components !== "object" || components === null) return undefined;
	const bare = Object.entries(components).map(([id, component]) => [id, { platform: component.platform }]);
	return JSON.stringify({ ...parsed, components: Object.fromEntries(bare) });
}

function hubDevice(view: SiteView, topics: Topics): object {
	const place = { site: view.site, object: hubObject, topics };
	return deviceMessage(view, {
		device: {
			identifiers: [deviceIdentifier(view.site, hubObject)],
			name: `Davit ${view.site}`,
			manufacturer: "Davit",
			model: "Coordinator",
			sw_version: view.version,
			...configurationUrl(view, "/"),
		},
		components: {
			online: presenceSensor(place, { id: "online", name: "Online", topic: topics.coordinatorPresence() }),
		},
	});
}

function hostDevice(view: SiteView, topics: Topics, { host, description }: SeenHost): object {
	const place = { site: view.site, object: hostObject(host), topics, host, resource: wholeHost(host) };
	return deviceMessage(view, {
		device: {
			identifiers: [deviceIdentifier(view.site, hostObject(host))],
			name: host,
			manufacturer: "Davit",
			model: "Host",
			...(description === undefined ? {} : { sw_version: description.davit }),
			via_device: deviceIdentifier(view.site, hubObject),
			...configurationUrl(view, `/hosts/${host}`),
		},
		components: {
			online: presenceSensor(place, { id: "online", name: "Online", topic: topics.presence(host) }),
			back_up_everything: backupButton(place, { id: "back_up_everything", name: "Back up everything" }),
			backup_state: backupStateSensor(place),
			job: jobEvent(place, wholeHostEvents),
			...jobTriggers(place, wholeHostEvents),
		},
	});
}

const models = { volume: "Volume", folder: "Folder", stack: "Stack", host: "Host" } as const;

function resourceDevice(view: SiteView, place: ResourcePlace): object {
	const { host, resource } = place;
	return deviceMessage(view, {
		device: {
			identifiers: [deviceIdentifier(view.site, place.object)],
			name: `${resourceName(resource)} (${host})`,
			manufacturer: "Davit",
			model: models[kindWord(resource)],
			via_device: deviceIdentifier(view.site, hostObject(host)),
			...configurationUrl(view, `/resources/${host}/${encodeURIComponent(resource)}`),
		},
		components: {
			back_up: backupButton(place),
			last_good_backup: lastGoodBackupSensor(place),
			backup_overdue: backupOverdueSensor(place),
			backup_suspicious: backupSuspiciousSensor(place),
			backup_state: backupStateSensor(place),
			backup_size: backupSizeSensor(place),
			backup_duration: backupDurationSensor(place),
			last_proven_restore: lastProvenRestoreSensor(place),
			restore_duration: restoreDurationSensor(place),
			job: jobEvent(place),
			...jobTriggers(place),
		},
	});
}

function deviceMessage(
	{ site, version }: SiteView,
	{ device, components }: { device: object; components: Record<string, Component> },
): object {
	return {
		device,
		origin: { name: "davit", sw_version: version },
		availability: [{ topic: topicsOf(site).coordinatorPresence(), value_template: "{{ value_json.state }}" }],
		components,
	};
}

function configurationUrl({ pageUrl }: SiteView, path: string): { configuration_url?: string } {
	return pageUrl === undefined ? {} : { configuration_url: pageUrl.replace(/\/$/, "") + path };
}
