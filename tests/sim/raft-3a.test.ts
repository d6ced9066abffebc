/** MIT 6.5840, lab 3A: elections. The names are the course's; what differs is said where it does. */
import { expect, test } from "bun:test";
import { Lab } from "./lab.ts";

test("InitialElection3A: a leader is elected, all agree on its term, and it stays without failures", () => {
  const lab = new Lab({ servers: 3 });
  const leader = lab.checkOneLeader();
  lab.sleep(50);
  const term = lab.checkTerms();
  expect(term).toBeGreaterThanOrEqual(1);
  lab.sleep(2000);
  // The course only warns when the term moves; here it must not.
  expect(lab.checkTerms()).toBe(term);
  expect(lab.checkOneLeader()).toBe(leader);
});

test("ReElection3A: a lost leader is replaced, its return disturbs nobody, and without a quorum nobody leads", () => {
  const lab = new Lab({ servers: 3 });
  const first = lab.checkOneLeader();
  lab.disconnect(first);
  const second = lab.checkOneLeader();
  lab.connect(first);
  expect(lab.checkOneLeader()).toBe(second);

  lab.disconnect(second, second + 1);
  lab.sleep(2000);
  lab.checkNoLeader();

  lab.connect(second + 1);
  lab.checkOneLeader();
  lab.connect(second);
  lab.checkOneLeader();
});

test("ManyElections3A: of seven servers any three may be off, and there is one leader", () => {
  const lab = new Lab({ servers: 7 });
  lab.checkOneLeader();
  for (let round = 1; round < 10; round++) {
    const off = [0, 0, 0].map(() => lab.random.below(7));
    lab.disconnect(...off);
    lab.checkOneLeader();
    lab.connect(...off);
  }
  lab.checkOneLeader();
});
