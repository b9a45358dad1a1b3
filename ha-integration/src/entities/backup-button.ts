import { operationFor, PrincipalName, type Request, resourceParams } from "@davit/protocol";
import { type Component, entity, type ResourcePlace } from "./component.ts";

const homeAssistant = PrincipalName.parse("home-assistant");

/** Asks the coordinator for a backup. The press is a request, never a command: the coordinator authorises and answers it. */
export function backupButton(place: ResourcePlace, named = { id: "back_up", name: "Back up" }): Component {
	const { host, resource, topics } = place;
	const request: Omit<Request, "id"> = {
		version: 1,
		host,
		operation: operationFor("backup", resource),
		params: resourceParams(resource),
	};
	return {
		...entity("button", place, named),
		icon: "mdi:archive-arrow-down-outline",
		command_topic: topics.request(homeAssistant),
		payload_press: JSON.stringify(request),
		retain: false,
	};
}
