import { alwaysAvailable, type Component, entity, type ResourcePlace } from "./component.ts";

// All of these read the agent's own retained state, so they survive a dead coordinator and a dead agent.

/** When the newest complete and verified archive was taken. */
export function lastGoodBackupSensor(place: ResourcePlace): Component {
	return {
		...entity("sensor", place, { id: "last_good_backup", name: "Last good backup" }),
		...fromState(place, "takenAt"),
		device_class: "timestamp",
		json_attributes_topic: place.topics.resourceState(place.host, place.resource),
		json_attributes_template: attributes,
	};
}

/** Size of that archive on disk. */
export function backupSizeSensor(place: ResourcePlace): Component {
	return {
		...entity("sensor", place, { id: "backup_size", name: "Backup size" }),
		...fromState(place, "bytes"),
		...diagnostic,
		device_class: "data_size",
		unit_of_measurement: "B",
		state_class: "measurement",
	};
}

/** How long taking that archive took. */
export function backupDurationSensor(place: ResourcePlace): Component {
	return {
		...entity("sensor", place, { id: "backup_duration", name: "Backup duration" }),
		...fromState(place, "durationMs", " / 1000"),
		...diagnostic,
		device_class: "duration",
		unit_of_measurement: "s",
		state_class: "measurement",
	};
}

/** When an archive of it was last restored whole, in a drill, and found the same. */
export function lastProvenRestoreSensor(place: ResourcePlace): Component {
	return {
		...entity("sensor", place, { id: "last_proven_restore", name: "Last proven restore" }),
		...fromProven(place, "at"),
		device_class: "timestamp",
		icon: "mdi:archive-check-outline",
		json_attributes_topic: place.topics.resourceState(place.host, place.resource),
		json_attributes_template:
			"{{ {'archive': (value_json.get('lastProvenRestore') or {}).get('archive')} | tojson }}",
	};
}

/** How long that restore took. */
export function restoreDurationSensor(place: ResourcePlace): Component {
	return {
		...entity("sensor", place, { id: "restore_duration", name: "Restore duration" }),
		...fromProven(place, "restoreMs", " / 1000"),
		...diagnostic,
		device_class: "duration",
		unit_of_measurement: "s",
		state_class: "measurement",
	};
}

/**
 * On while Davit removes nothing because a backup was suspicious: much smaller than usual, or as if encrypted. A hold that a person
 * set is no problem.
 */
export function backupSuspiciousSensor(place: ResourcePlace): Component {
	const topic = place.topics.resourceState(place.host, place.resource);
	return {
		...entity("binary_sensor", place, { id: "backup_suspicious", name: "Backup suspicious" }),
		...alwaysAvailable,
		device_class: "problem",
		state_topic: topic,
		value_template: "{{ 'ON' if (value_json.get('hold') or {}).get('isAutomatic') else 'OFF' }}",
		json_attributes_topic: topic,
		json_attributes_template:
			"{{ {'since': (value_json.get('hold') or {}).get('since'), " +
			"'because': (value_json.get('hold') or {}).get('because')} | tojson }}",
	};
}

const diagnostic = { entity_category: "diagnostic", enabled_by_default: false } as const;

/** Why nothing is removed for now, and since when; none where there is no hold. */
const held =
	"'held_since': (value_json.get('hold') or {}).get('since'), " +
	"'held_because': (value_json.get('hold') or {}).get('because')";

const attributes =
	"{{ {'archive': value_json.lastGoodBackup.id, 'proof': value_json.lastGoodBackup.proof | join(', '), " +
	`'consistency': value_json.lastGoodBackup.consistency, 'archives': value_json.archives, ${held}} | tojson ` +
	`if value_json.lastGoodBackup else {'archives': value_json.archives, ${held}} | tojson }}`;

/** An older agent does not speak of it, which is unknown too. */
function fromProven(place: ResourcePlace, key: string, arithmetic = ""): Record<string, unknown> {
	return {
		...alwaysAvailable,
		state_topic: place.topics.resourceState(place.host, place.resource),
		value_template: `{{ value_json.lastProvenRestore.${key}${arithmetic} if value_json.get('lastProvenRestore') else 'None' }}`,
	};
}

/** The payload `None` is what Home Assistant reads as unknown. */
function fromState(place: ResourcePlace, key: string, arithmetic = ""): Record<string, unknown> {
	return {
		...alwaysAvailable,
		state_topic: place.topics.resourceState(place.host, place.resource),
		value_template: `{{ value_json.lastGoodBackup.${key}${arithmetic} if value_json.lastGoodBackup else 'None' }}`,
	};
}
