import type { Service } from "../services/catalog.ts";
import type { Settings } from "../settings.ts";
import type { Workspace } from "../workspace.ts";

/** What is different in a workspace that was read again, as a line for people. */
export function compareWorkspaces(old: Workspace, next: Workspace): string {
  const parts = differences(old, next);
  const count = `${next.services.length} ${next.services.length === 1 ? "service" : "services"}`;
  return `read again: ${count}; ${parts.length === 0 ? "nothing is different" : parts.join("; ")}`;
}

/** `new: wiki`, `other settings: roots`; empty where nothing is different. Names only: settings hold secrets. */
export function differences(old: Workspace, next: Workspace): string[] {
  const before = new Map(old.services.map((service) => [service.name, service]));
  const now = new Set(next.services.map(({ name }) => name));
  return [
    list(
      "new",
      namesOf(next.services, ({ name }) => !before.has(name)),
    ),
    list(
      "gone",
      namesOf(old.services, ({ name }) => !now.has(name)),
    ),
    list(
      "other",
      namesOf(next.services, ({ name, form }) => (before.get(name)?.form ?? form) !== form),
    ),
    list("other settings", changedSettings(old.settings, next.settings)),
  ].filter((part) => part !== "");
}

function namesOf(services: readonly Service[], isMeant: (service: Service) => boolean): string[] {
  return services.filter(isMeant).map(({ name }) => name);
}

const most = 8;

function list(what: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  return `${what}: ${names.slice(0, most).join(", ")}${names.length > most ? ", …" : ""}`;
}

function changedSettings(old: Settings, next: Settings): string[] {
  const before = revealed(old);
  return Object.entries(revealed(next)).flatMap(([key, value]) =>
    key === "services" || JSON.stringify(value) === JSON.stringify(before[key]) ? [] : [key],
  );
}

/** A Secret looks the same whatever it holds. */
function revealed({ supervisord, ...settings }: Settings): Record<string, unknown> {
  return { ...settings, supervisord: { ...supervisord, password: supervisord.password?.reveal() } };
}
