import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  everywhere,
  type Grant,
  isAllowed,
  type Principal,
  requireRight,
  rights,
  roles,
  type Target,
} from "../../../src/access/principal.ts";

const keySection = "api_key";

const who = (grant: Grant): Principal => ({ name: "ann", kind: "user", grant, guarded: keySection });

describe("a role that is not narrowed", () => {
  const allowed = {
    viewer: ["read"],
    operator: ["read", "operate"],
    editor: ["read", "operate", "write"],
    admin: ["read", "operate", "write", "administer"],
  };

  test.each(roles)("%s has its rights and no others, on every target", (role) => {
    for (const target of [undefined, { app: "default" }, { app: "x", section: "gitea" }, everywhere] as const) {
      expect(rights.filter((right) => isAllowed(who({ role }), right, target))).toEqual(allowed[role]);
    }
  });
});

describe("narrowing", () => {
  test.each<[grant: Grant, target: Target | typeof everywhere, allowed: boolean]>([
    [{ role: "editor", apps: ["shop"] }, { app: "shop" }, true],
    [{ role: "editor", apps: ["shop"] }, { app: "shop", section: "gitea" }, true],
    [{ role: "editor", apps: ["shop"] }, { app: "default", section: "gitea" }, false],
    [{ role: "editor", sections: ["gitea"] }, { app: "default", section: "gitea" }, true],
    [{ role: "editor", sections: ["gitea"] }, { app: "shop", section: "gitea" }, true],
    [{ role: "editor", sections: ["gitea"] }, { app: "default", section: "Gitea" }, false],
    [{ role: "editor", sections: ["gitea"] }, { app: "default" }, false],
    [{ role: "editor", apps: ["shop"], sections: ["gitea"] }, { app: "shop", section: "gitea" }, true],
    [{ role: "editor", apps: ["shop"], sections: ["gitea"] }, { app: "default", section: "gitea" }, false],
    [{ role: "editor", apps: [] }, { app: "default" }, false],
    [{ role: "editor", sections: [] }, { app: "default", section: "gitea" }, false],
    [{ role: "admin", apps: ["default"] }, everywhere, false],
    [{ role: "admin", sections: ["gitea"] }, everywhere, false],
  ])("%j on %j: %s", (grant, target, expected) => {
    expect(isAllowed(who(grant), "write", target)).toBe(expected);
  });

  test("never gives a right that the wider grant has not, whatever the grant and the target", () => {
    const names = fc.constantFrom("default", "shop", "gitea", "__proto__", "", keySection);
    const some = fc.option(fc.array(names, { maxLength: 3 }), { nil: undefined });
    const target = fc.oneof(
      fc.constant(everywhere),
      fc.record({ app: names, section: fc.option(names, { nil: undefined }) }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...roles), some, some, fc.constantFrom(...rights), target, (role, ...rest) => {
        const [apps, sections, right, at] = rest;
        const wide = [who({ role }), who({ role, apps }), who({ role, sections })];
        const narrow = who({ role, apps, sections });
        if (isAllowed(narrow, right, at)) for (const wider of wide) expect(isAllowed(wider, right, at)).toBe(true);
        const lower = roles.slice(0, roles.indexOf(role));
        for (const less of lower) {
          if (isAllowed(who({ role: less, apps, sections }), right, at))
            expect(isAllowed(narrow, right, at)).toBe(true);
        }
      }),
    );
  });
});

describe("the section with the key to the API", () => {
  const target = { app: "default", section: keySection };

  test("is written by admins only: an editor could make himself one", () => {
    expect(roles.filter((role) => isAllowed(who({ role }), "write", target))).toEqual(["admin"]);
    expect(isAllowed(who({ role: "editor", sections: [keySection] }), "write", target)).toBe(false);
  });

  test("is like any other where it holds no key to the API", () => {
    const editor: Principal = { name: "ann", kind: "user", grant: { role: "editor" } };
    expect(isAllowed(editor, "write", target)).toBe(true);
    expect(isAllowed(editor, "write", { app: "default" })).toBe(true);
  });

  test("is read like any other", () => {
    expect(roles.filter((role) => isAllowed(who({ role }), "read", target))).toEqual([...roles]);
  });
});

describe("a refusal", () => {
  test.each<
    [grant: Grant, right: (typeof rights)[number], target: Target | typeof everywhere | undefined, text: string]
  >([
    [{ role: "viewer" }, "write", undefined, "ann may not write. Needed is the role editor"],
    [
      { role: "viewer" },
      "write",
      { app: "default", section: "gitea" },
      "ann may not write on default/gitea. Needed is the role editor on default/gitea",
    ],
    [
      { role: "admin", apps: ["default"] },
      "administer",
      everywhere,
      "ann may not administer on every app and section. Needed is the role admin on every app and section",
    ],
    [
      { role: "editor" },
      "write",
      { app: "default", section: keySection },
      "ann may not write on default/api_key. Needed is the role admin on default/api_key",
    ],
  ])("of %j says who, what and what is missing", (grant, right, target, text) => {
    try {
      requireRight(who(grant), right, target);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "FORBIDDEN" });
      expect((error as { toText: () => string }).toText()).toBe(text);
    }
  });
});
