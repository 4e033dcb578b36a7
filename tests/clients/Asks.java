import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks what each line says (address, milliseconds, then four names for a question, by bars), and prints each decision
 * on a line, and an empty one at the end. A control character is written as it stands behind a percent sign in hex.
 */
public final class Asks {
    public static void main(String[] arguments) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            var parts = line.split("\\|");
            var questions = new ArrayList<Rolewarden.Question>();
            for (int at = 2; at + 3 < parts.length; at += 4) {
                questions.add(new Rolewarden.Question(
                        parts[at].replace("%0a", "\n").replace("%07", "\u0007"),
                        parts[at + 1], parts[at + 2], parts[at + 3]));
            }
            var client = new Rolewarden(parts[0], "rw_token", Duration.ofMillis(Long.parseLong(parts[1])));
            for (var answer : client.ask(List.copyOf(questions))) {
                System.out.println(String.join("|", String.valueOf(answer.allowed()), answer.code(),
                        answer.userMessage(), String.valueOf(answer.retryable()), String.valueOf(answer.revision()),
                        answer.problem()));
            }
            System.out.println();
        }
    }
}
