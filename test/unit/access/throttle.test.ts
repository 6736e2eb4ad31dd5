import { describe, expect, test } from "vitest";
import { addressName, createThrottle } from "../../../src/access/throttle.ts";

function bed(capacity = 100) {
  let now = 1_000_000;
  const clock = { now: () => now, sleep: async () => undefined };
  const throttle = createThrottle({ free: 3, first: 1000, longest: 8000, capacity }, clock);
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { throttle, pass };
}

function times(count: number, work: () => void): void {
  for (let index = 0; index < count; index++) work();
}

describe("throttle", () => {
  test("the first tries are free, then each doubles the pause up to the longest", () => {
    const { throttle, pass } = bed();
    const pauses = Array.from({ length: 9 }, () => {
      throttle.count("ann");
      const wait = throttle.wait("ann");
      pass(wait);
      expect(throttle.wait("ann")).toBe(0);
      return wait;
    });
    expect(pauses).toEqual([0, 0, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
  });

  test("a pause goes by, and names do not wait for each other", () => {
    const { throttle, pass } = bed();
    times(4, () => throttle.count("ann"));
    expect(throttle.wait("ann")).toBe(2000);
    pass(1500);
    expect(throttle.wait("ann")).toBe(500);
    expect(throttle.wait("bob")).toBe(0);
  });

  test("a try that is taken back does not count, and who is forgotten begins anew", () => {
    const { throttle } = bed();
    times(3, () => throttle.count("ann"));
    throttle.forgive("ann");
    expect(throttle.wait("ann")).toBe(0);
    times(9, () => throttle.count("ann"));
    throttle.forget("ann");
    throttle.forgive("ann");
    times(2, () => throttle.count("ann"));
    expect(throttle.wait("ann")).toBe(0);
  });

  test("tries of long ago do not count", () => {
    const { throttle, pass } = bed();
    times(9, () => throttle.count("ann"));
    pass(61 * 60_000);
    throttle.count("ann");
    expect(throttle.wait("ann")).toBe(0);
  });

  test("a clock that is set back by a day does not make the pause a day long", () => {
    const { throttle, pass } = bed();
    times(4, () => throttle.count("ann"));
    pass(-24 * 3_600_000);
    expect(throttle.wait("ann")).toBe(2000);
    pass(2000);
    expect(throttle.wait("ann")).toBe(0);
  });

  test("beyond its capacity it forgets who tried longest ago, and nobody else", () => {
    const { throttle } = bed(3);
    for (const name of ["ann", "bob", "cal"]) times(4, () => throttle.count(name));
    throttle.count("ann");
    throttle.count("dan");
    expect(["ann", "bob", "cal", "dan"].map((name) => throttle.wait(name) > 0)).toEqual([true, false, true, false]);
  });
});

describe("the name of an address", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::99", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::99", "2001:db8:1:2::/64"],
    ["2001:db8::99", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", ""],
  ])("%s is %s", (address, name) => {
    expect(addressName(address)).toBe(name);
  });

  test("is short for whatever is given", () => {
    expect(addressName(`${"x".repeat(100_000)}`).length).toBeLessThan(70);
    expect(addressName(":".repeat(100_000)).length).toBeLessThan(70);
  });
});
