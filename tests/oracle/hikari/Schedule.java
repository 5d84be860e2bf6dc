// What poolcast and the real pool are both given. All times are milliseconds here, and nanoseconds where it is written.

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

final class Schedule {
    /** A statement that demands so long, or a pause. */
    record Step(boolean isQuery, int ms) {}

    /** It asks for a connection, does these steps with it and gives it back, pauses, and asks again. */
    record Request(int at, int pause, List<List<Step>> sessions) {}

    /** The server ends all sessions and refuses others for a while. */
    record Restart(int at, int down) {}

    final long seed;
    final int most, least, timeout, roundTrip, connect, end;
    final List<Request> requests = new ArrayList<>();
    final List<Restart> restarts = new ArrayList<>();
    private final Random dice;

    Schedule(long seed) {
        this.seed = seed;
        dice = new Random(seed * 0x9E3779B97F4A7C15L);
        most = 1 + dice.nextInt(4);
        least = dice.nextInt(3) == 0 ? dice.nextInt(most + 1) : most;
        timeout = span(300, 1500);
        roundTrip = 2 * span(1, 10);
        connect = span(15, 250);
        int length = span(1000, 4000);
        int many = 3 + dice.nextInt(6);
        for (int number = 0; number < many; number++) {
            requests.add(new Request(START + dice.nextInt(length), span(15, 150), sessions()));
        }
        if (dice.nextInt(5) < 2) {
            restarts.add(new Restart(START + dice.nextInt(length), dice.nextBoolean() ? 0 : span(10, 1200)));
        }
        end = START + length + 2500;
    }

    /** Before that the pool is built and filled. */
    static final int START = 1500;

    private List<List<Step>> sessions() {
        List<List<Step>> found = new ArrayList<>();
        for (int number = dice.nextInt(4); number < 4; number += 2) {
            List<Step> steps = new ArrayList<>();
            for (int step = dice.nextInt(3); step < 3; step += 2) {
                steps.add(new Step(dice.nextInt(10) < 7, span(15, 700)));
            }
            found.add(steps);
        }
        return found;
    }

    private int span(int low, int high) {
        return (int) Math.round(low * Math.pow((double) high / low, dice.nextDouble()));
    }

    private static String ns(int ms) {
        return ms == 0 ? "0" : ms + "000000";
    }

    /** As a line of a recording has it. */
    String json() {
        StringBuilder text = new StringBuilder();
        text.append("{\"seed\":").append(seed);
        text.append(",\"pool\":{\"Hikari\":{\"version\":\"V2\",\"maximumPoolSize\":").append(most).append(",\"minimumIdle\":").append(least);
        text.append(",\"connectionTimeout\":\"").append(timeout).append("ms\",\"maxLifetime\":\"0s\",\"aliveBypassWindow\":\"");
        text.append(Long.getLong("com.zaxxer.hikari.aliveBypassWindowMs")).append("ms\"}}");
        text.append(",\"round_trip\":").append(ns(roundTrip)).append(",\"connect\":").append(ns(connect));
        text.append(",\"slots\":1000,\"statement_timeout\":0,\"driver\":{\"checkout\":0,\"statement\":0,\"ping\":0,\"reset\":0,\"close\":0}");
        text.append(",\"faults\":[");
        for (Restart restart : restarts) {
            text.append("[\"restart\",").append(ns(restart.at)).append(',').append(ns(restart.down)).append(']');
        }
        text.append("],\"requests\":[");
        for (int number = 0; number < requests.size(); number++) {
            Request request = requests.get(number);
            text.append(number > 0 ? "," : "").append("{\"at\":").append(ns(request.at)).append(",\"deadline\":null,\"steps\":[");
            for (int session = 0; session < request.sessions.size(); session++) {
                text.append(session > 0 ? ",[\"await\"," + ns(request.pause) + "]," : "").append("[\"session\",[");
                List<Step> steps = request.sessions.get(session);
                for (int step = 0; step < steps.size(); step++) {
                    text.append(step > 0 ? "," : "").append(steps.get(step).isQuery ? "[\"query\"," : "[\"await\",");
                    text.append(ns(steps.get(step).ms)).append(']');
                }
                text.append("]]");
            }
            text.append("]}");
        }
        return text.append("],\"end\":").append(ns(end)).append('}').toString();
    }
}
