"""The parts of the benchmark that can be wrong without anybody noticing: events, frames, sums, tables, the picture."""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import fromstring

import attrs
import pytest
from websockets.frames import Frame, Opcode

from benchmarks import cases, report
from benchmarks.__main__ import main
from benchmarks.answers import Session, answer
from benchmarks.cases import COLUMNS, FULL, METRICS, QUICK, TITLES
from benchmarks.environments import SCRIPTS
from benchmarks.frames import Envelope, FrameReader, event_frames, event_text, frame, order_events, stamped
from benchmarks.goals import GOALS, verdicts
from benchmarks.plot import burst_chart
from benchmarks.results import Results
from benchmarks.rivals import BY_NAME, CLIENTS, FLOOR_JSON, NPM_RAW, OFFICIAL_SDK, OURS, Case
from trio_binance_uds import SPOT, ExecutionReport, decode_frame

ABOUT = {"date": "2026-11-25", "sizes": attrs.asdict(FULL), "versions": {"trio": "0.35"}}


def made_up() -> Results:
    """Results in which ours takes 8 µs and others what stands here."""
    results = Results(dict(ABOUT))
    for client, values in {OURS: [8.0, 7.0, 9.0], NPM_RAW: [16.0], OFFICIAL_SDK: [32.0], FLOOR_JSON: [4.0]}.items():
        for value in values:
            results.add(Case.BURST, client, {"cpu_us": value, "events_per_s": 1e6 - value, "lost": 0, "told_lost": 0})
    results.fail(Case.BURST, "ccxt pro", "it would not start")
    return results


def test_every_event_that_is_sent_is_a_typed_one_and_no_execution_id_comes_twice() -> None:
    events = [decode_frame(event_text(event, Envelope.WS_API), SPOT) for event in order_events(2_000)]
    reports = [event for event in events if isinstance(event, ExecutionReport)]
    assert len(reports) == len({report.execution_id for report in reports}) == 2_000
    fills = [report for report in reports if report.execution_type == "TRADE"]
    assert all(0 < fill.cumulative_filled_quantity <= fill.order_quantity for fill in fills)
    filled = [fill for fill in fills if fill.cumulative_filled_quantity == fill.order_quantity]
    assert filled == [fill for fill in fills if fill.order_status == "FILLED"]
    assert len({fill.last_quote_quantity for fill in fills}) > 0.9 * len(fills), "amounts must not repeat"


def test_time_of_sending_is_the_beginning_of_the_client_order_id() -> None:
    for framed in event_frames(50, Envelope.WS_API):
        sent = stamped(framed, 12_345_678_901)
        assert len(sent) == len(framed)
        event = decode_frame(sent[4:], SPOT)
        assert isinstance(event, ExecutionReport)
        assert int(event.client_order_id[:19]) == 12_345_678_901


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_frames_are_those_that_websockets_writes_and_reads(size: int) -> None:
    payload = bytes(number % 251 for number in range(size))
    assert frame(payload, 2) == Frame(Opcode.BINARY, payload).serialize(mask=False)
    sent = Frame(Opcode.BINARY, payload).serialize(mask=True)
    for cut in (1, 5, len(sent) // 2):
        reader = FrameReader()
        assert [*reader.feed(sent[:cut]), *reader.feed(sent[cut:] + sent)] == [(2, payload)] * 2


def test_answers_carry_the_ids_of_their_requests_and_subscriptions_count_up() -> None:
    session = Session()
    for number in range(2):
        asked = {"id": f"n-{number}", "method": "userDataStream.subscribe", "params": {}}
        method, text = answer(json.dumps(asked).encode(), session)
        assert method == asked["method"]
        assert json.loads(text)["id"] == asked["id"]
        assert json.loads(text)["result"] == {"subscriptionId": number}
    _, text = answer(b'{"id":7,"method":"order.place","params":{"newClientOrderId":"mine"}}', session)
    assert json.loads(text)["result"]["clientOrderId"] == "mine"
    _, text = answer(b'{"id":7,"method":"no.such"}', session)
    assert json.loads(text)["status"] == 400


def reading(**facts: Any) -> dict[str, Any]:
    return {"cpu": 1.0, "at": 0, "rss_kb": 50_000, "peak_kb": 50_000, "count": 0, "shed": 0, **facts}


def test_figures_are_worked_out_from_readings() -> None:
    after = reading(cpu=1.9, at=3 * 10**9, count=90_000, shed=4_000, peak_kb=60_240)
    readings = [reading(), reading(), after]
    sent = [{"sending_at": 0}, {"sending_at": 10**9}]
    burst = cases.figures(Case.BURST, FULL, readings, sent)
    assert burst["cpu_us"] == pytest.approx(10)
    assert burst["events_per_s"] == pytest.approx(45_000)
    assert (burst["received"], burst["told_lost"], burst["lost"]) == (90_000, 4_000, 6_000)
    assert cases.figures(Case.SLOW, FULL, readings, sent)["grown_mb"] == 10
    paced = cases.figures(Case.PACED_500, FULL, [*readings[:2], after | {"p50_ns": 90_000, "p99_ns": 200_000}], sent)
    assert (paced["p50_us"], paced["p99_us"]) == (90, 200)
    one = {"p50_ns": 120_000, "p99_ns": 400_000, "cpu_each": 5e-5}
    requests = cases.figures(Case.SESSION, FULL, [reading(), one, {"rate": 9000.0, "cpu_each": 2e-5}], [])
    assert requests == pytest.approx({"p50_us": 120, "p99_us": 400, "cpu_us": 50, "rate": 9000, "cpu_many_us": 20})
    accounts = cases.figures(Case.ACCOUNTS, FULL, [reading(rss_kb=40_960), reading(rss_kb=41_960)], [])
    assert (accounts["connected_mb"], accounts["account_kb"]) == (40, 100)


def test_every_case_is_described_and_every_client_has_its_program() -> None:
    assert set(TITLES) == set(Case)
    assert {name for names in COLUMNS.values() for name in names} <= set(METRICS)
    assert set(COLUMNS) == set(Case) - {Case.DECODE}
    assert {client.script for client in CLIENTS} == {path.name for path in SCRIPTS.glob("client_*")}
    assert all(client.imports for client in CLIENTS if Case.IMPORT in client.cases)
    for sizes in (FULL, QUICK):
        for case in set(Case) - {Case.DECODE, Case.IMPORT}:
            assert cases.plan(case, sizes)["case"]


def test_results_survive_being_written_and_read() -> None:
    results = made_up()
    assert Results.from_json(json.loads(json.dumps(results.to_json()))) == results


def test_goals_are_judged_by_ratios_of_medians_and_what_was_not_measured_is_no_failure() -> None:
    judged = {verdict.goal.text: verdict for verdict in verdicts(made_up())}
    assert len(judged) == len(GOALS)
    to_npm = judged["burst, CPU per event, to npm binance raw"]
    assert (to_npm.value, to_npm.reached) == (0.5, True)
    to_official = judged["burst, CPU per event, to the official SDK"]
    assert (to_official.value, to_official.reached) == (0.25, False)
    assert judged["memory after connecting"].reached is None


def test_table_goes_from_best_to_worst_and_shows_who_could_not_be_measured() -> None:
    table = report.case_table(made_up(), Case.BURST)
    assert [row[0] for row in table.rows] == [FLOOR_JSON, OURS, NPM_RAW, OFFICIAL_SDK, "ccxt pro"]
    assert table.rows[1][1] == "8.0 (7.0 to 9.0)"
    assert table.rows[2][-2:] == ("2.00", BY_NAME[NPM_RAW].gives)
    assert "it would not start" in table.rows[4][1]
    widths = {len(row) for row in (table.columns, *table.rows)}
    assert widths == {len(table.columns)}
    assert all(OURS in line for line in report.lines(table) if "8.0" in line)


def test_picture_is_an_svg_with_a_bar_for_each_client_in_order() -> None:
    drawn = fromstring(burst_chart(made_up()))
    bars = [float(bar.attrib["width"]) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(bars) == 4
    assert bars == sorted(bars)
    with pytest.raises(ValueError, match="nothing was measured"):
        burst_chart(Results(dict(ABOUT)))


def test_kept_results_can_be_shown_again(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(made_up().to_json()), "utf-8")
    main(["--show", str(kept)])
    shown = capsys.readouterr().out
    assert "A burst of 100,000 order events" in shown
    assert "2026-11-25" in shown
