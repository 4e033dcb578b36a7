import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Asks Rolewarden, or another AuthZEN 1.0 decision point, whether a user may do something. Copy this file; it needs
 * Java 17 and nothing else.
 *
 * <pre>
 * var rolewarden = new Rolewarden("http://127.0.0.1:8180", token);
 * var answer = rolewarden.may("eve", "respond", "Task - Patient Portal", "riverside");
 * if (!answer.allowed()) { show(answer.userMessage()); }
 * </pre>
 *
 * It fails closed: a decision is an allow when the decision point said {@code true} in a 200, and in no other case.
 * Nothing that happens on the way is thrown, a time-out no more than an answer that cannot be read. Thread-safe.
 */
public final class Rolewarden {
    /** What a user is shown when nobody could answer. */
    public static final String SORRY = "We can't check your access right now. Try again in a minute.";

    private static final int LONGEST = 4 << 20; // bytes of an answer
    private static final int DEEPEST = 32; // levels of an answer, so that none can fill the stack

    /**
     * An answer. {@code code} is "unanswered" where there was no decision, and {@code problem} then says what happened,
     * for your log. {@code retryable}: the same question may be answered otherwise in a moment.
     */
    public record Decision(
            boolean allowed, String code, String userMessage, boolean retryable, long revision, String problem) {}

    /** May this user do this on that screen, in the practice? */
    public record Question(String user, String action, String screen, String practice) {}

    private final URI base;
    private final String token;
    private final Duration limit;
    private final HttpClient client;

    /** A client that gives up after a second. */
    public Rolewarden(String url, String token) {
        this(url, token, Duration.ofSeconds(1));
    }

    /** {@code limit} is for a whole question, asking again included. */
    public Rolewarden(String url, String token, Duration limit) {
        if (!url.matches("https?://[^/]+/?")) {
            throw new IllegalArgumentException("`" + url + "` is not where a decision point can be: write http://host:port");
        }
        this.base = URI.create(url.endsWith("/") ? url : url + "/");
        this.token = token;
        this.limit = limit;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(limit)
                .build();
    }

    /** One question. */
    public Decision may(String user, String action, String screen, String practice) {
        return ask(List.of(new Question(user, action, screen, practice))).get(0);
    }

    /** Several questions in one request, answered from one policy; a decision each, in their order. */
    public List<Decision> ask(List<Question> questions) {
        if (questions.isEmpty()) {
            return List.of();
        }
        long end = System.nanoTime() + limit.toNanos();
        String problem = "there was no time left";
        for (boolean last : new boolean[] {false, true}) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                break;
            }
            try {
                var response = send(questions, left);
                int status = response.statusCode();
                if (status == 200) {
                    return read(response, questions.size());
                }
                problem = "the decision point answered " + status;
                boolean again = status == 502 || status == 503 || status == 504;
                if (last || !again) {
                    return refused(problem, questions.size(), status / 100 != 4);
                }
                Thread.sleep(20);
            } catch (Unreadable error) {
                return refused("the answer cannot be read: " + error.getMessage(), questions.size(), true);
            } catch (ExecutionException error) {
                problem = String.valueOf(error.getCause()); // no connection, or one that broke: asking again is safe
            } catch (TimeoutException error) {
                problem = "no answer in time";
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
                return refused("interrupted", questions.size(), true);
            }
        }
        return refused(problem, questions.size(), true);
    }

    private HttpResponse<byte[]> send(List<Question> questions, long left)
            throws ExecutionException, TimeoutException, InterruptedException {
        boolean one = questions.size() == 1;
        var request = HttpRequest.newBuilder(base.resolve(one ? "access/v1/evaluation" : "access/v1/evaluations"))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + token)
                .POST(HttpRequest.BodyPublishers.ofString(one ? written(questions.get(0)) : batch(questions)))
                .build();
        var sent = client.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
        try {
            return sent.get(left, TimeUnit.NANOSECONDS); // the whole answer, not the wait for its next piece
        } finally {
            sent.cancel(true);
        }
    }

    private static List<Decision> refused(String problem, int asked, boolean retryable) {
        return Collections.nCopies(asked, new Decision(false, "unanswered", SORRY, retryable, 0, problem));
    }

    // --- what is asked ---

    private static String batch(List<Question> questions) {
        return "{\"evaluations\":[" + String.join(",", questions.stream().map(Rolewarden::written).toList()) + "]}";
    }

    private static String written(Question question) {
        return "{\"subject\":{\"type\":\"user\",\"id\":" + quoted(question.user())
                + "},\"action\":{\"name\":" + quoted(question.action())
                + "},\"resource\":{\"type\":\"screen\",\"id\":" + quoted(question.screen())
                + "},\"context\":{\"practice\":" + quoted(question.practice()) + "}}";
    }

    private static String quoted(String text) {
        var out = new StringBuilder("\"");
        for (char sign : text.toCharArray()) {
            if (sign == '"' || sign == '\\') {
                out.append('\\').append(sign);
            } else if (sign < 0x20 || Character.isSurrogate(sign)) {
                out.append(String.format("\\u%04x", (int) sign));
            } else {
                out.append(sign);
            }
        }
        return out.append('"').toString();
    }

    // --- what is answered ---

    private static List<Decision> read(HttpResponse<byte[]> response, int asked) throws Unreadable {
        if (response.body().length > LONGEST) {
            throw new Unreadable("it is too long");
        }
        long revision = response.headers().firstValue("X-Policy-Revision")
                .filter(text -> text.matches("[0-9]{1,15}")).map(Long::parseLong).orElse(0L);
        Object answer = new Json(response.body()).whole();
        if (asked == 1) {
            return List.of(decision(answer, revision));
        }
        if (!(answer instanceof Map<?, ?> map) || !(map.get("evaluations") instanceof List<?> items)
                || items.size() != asked) {
            throw new Unreadable("it has not one decision for each question");
        }
        var decisions = new ArrayList<Decision>();
        for (Object item : items) {
            decisions.add(decision(item, revision));
        }
        return decisions;
    }

    private static Decision decision(Object item, long revision) throws Unreadable {
        if (!(item instanceof Map<?, ?> map) || !(map.get("decision") instanceof Boolean allowed)) {
            throw new Unreadable("it has no decision");
        }
        Map<?, ?> context = map.get("context") instanceof Map<?, ?> some ? some : Map.of();
        Map<?, ?> reason = context.get("reason") instanceof Map<?, ?> some ? some : Map.of();
        String code = reason.get("code") instanceof String text ? text : allowed ? "allowed" : "denied";
        String message = reason.get("user_message") instanceof String text ? text : SORRY;
        boolean retryable = !allowed && Boolean.TRUE.equals(reason.get("retryable"));
        return new Decision(allowed, code, allowed ? "" : message, retryable, revision, "");
    }

    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1L;

        Unreadable(String message) {
            super(message, null, false, false);
        }
    }

    /** Strict JSON in UTF-8: no name twice, nothing behind the value, no deeper than any answer is. */
    private static final class Json {
        private final String text;
        private int at;

        Json(byte[] bytes) throws Unreadable {
            try {
                text = StandardCharsets.UTF_8.newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .decode(ByteBuffer.wrap(bytes)).toString();
            } catch (CharacterCodingException error) {
                throw new Unreadable("it is not UTF-8");
            }
        }

        Object whole() throws Unreadable {
            Object value = value(0);
            blanks();
            if (at < text.length()) {
                throw new Unreadable("something follows it");
            }
            return value;
        }

        private Object value(int depth) throws Unreadable {
            if (depth > DEEPEST) {
                throw new Unreadable("it is too deep");
            }
            blanks();
            char first = at < text.length() ? text.charAt(at) : 0;
            return switch (first) {
                case '{' -> object(depth);
                case '[' -> array(depth);
                case '"' -> string();
                case 't' -> word("true", true);
                case 'f' -> word("false", false);
                case 'n' -> word("null", null);
                default -> number();
            };
        }

        private Map<String, Object> object(int depth) throws Unreadable {
            var members = new LinkedHashMap<String, Object>();
            expect('{');
            blanks();
            if (follows('}')) {
                return members;
            }
            do {
                blanks();
                String name = string();
                blanks();
                expect(':');
                Object value = value(depth + 1);
                if (members.containsKey(name)) {
                    throw new Unreadable("a name stands twice");
                }
                members.put(name, value);
                blanks();
            } while (follows(','));
            expect('}');
            return members;
        }

        private List<Object> array(int depth) throws Unreadable {
            var items = new ArrayList<Object>();
            expect('[');
            blanks();
            if (follows(']')) {
                return items;
            }
            do {
                items.add(value(depth + 1));
                blanks();
            } while (follows(','));
            expect(']');
            return items;
        }

        private String string() throws Unreadable {
            expect('"');
            var out = new StringBuilder();
            while (at < text.length()) {
                char sign = text.charAt(at++);
                if (sign == '"') {
                    return out.toString();
                }
                if (sign < 0x20) {
                    break;
                }
                out.append(sign == '\\' ? escaped() : sign);
            }
            throw new Unreadable("a text does not end");
        }

        private char escaped() throws Unreadable {
            char sign = at < text.length() ? text.charAt(at++) : 0;
            switch (sign) {
                case '"', '\\', '/': return sign;
                case 'b': return '\b';
                case 'f': return '\f';
                case 'n': return '\n';
                case 'r': return '\r';
                case 't': return '\t';
                case 'u':
                    if (at + 4 <= text.length() && text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) {
                        at += 4;
                        return (char) Integer.parseInt(text.substring(at - 4, at), 16);
                    }
                    throw new Unreadable("a sign that there is not");
                default: throw new Unreadable("a sign that there is not");
            }
        }

        private Object number() throws Unreadable {
            int start = at;
            while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            String number = text.substring(start, at);
            if (!number.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
                throw new Unreadable("it is not JSON");
            }
            return Double.valueOf(number);
        }

        private Object word(String word, Object value) throws Unreadable {
            if (!text.startsWith(word, at)) {
                throw new Unreadable("it is not JSON");
            }
            at += word.length();
            return value;
        }

        private void blanks() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        private boolean follows(char sign) {
            boolean there = at < text.length() && text.charAt(at) == sign;
            at += there ? 1 : 0;
            return there;
        }

        private void expect(char sign) throws Unreadable {
            if (!follows(sign)) {
                throw new Unreadable("it is not JSON");
            }
        }
    }
}
