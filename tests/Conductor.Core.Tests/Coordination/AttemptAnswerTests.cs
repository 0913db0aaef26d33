using Conductor.Coordination;

namespace Conductor.Tests.Coordination;

/// <summary>The answer to an attempt belongs to the first who claims it, and to that attempt alone.</summary>
public sealed class AttemptAnswerTests
{
    [Fact]
    public void TryClaim_AnswerOfAnotherAttempt_LeavesItOpen()
    {
        var answer = new AttemptAnswer();
        answer.Open(7);

        answer.TryClaim(6, byAgent: true).Should().BeFalse("that attempt is over");
        answer.TryClaim(0).Should().BeFalse("0 is no attempt's number");
        answer.TryClaim(7).Should().BeTrue();

        answer.IsOfAgent.Should().BeFalse();
        answer.TryClaim(7, byAgent: true).Should().BeFalse("somebody has it");
        answer.IsOfAgent.Should().BeFalse();
    }

    [Fact]
    public void TryClaim_NothingOpened_IsRefused() => new AttemptAnswer().TryClaim(0).Should().BeFalse();

    /// <summary>The agent and its time limit end an attempt at the same moment: one is a little sooner, in turn.</summary>
    [Fact]
    public async Task TryClaim_TwoAtOnce_OneHasIt()
    {
        const int Attempts = 30_000;
        var answer = new AttemptAnswer();
        var (opened, over, claims) = (0, 0, new int[Attempts + 1]);
        var other = Task.Factory.StartNew(
            () =>
            {
                for (var attempt = 1; attempt <= Attempts; attempt++)
                {
                    SpinUntil(ref opened, attempt);
                    Claim(attempt);
                    Volatile.Write(ref over, attempt);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            answer.Open(attempt);
            Volatile.Write(ref opened, attempt);
            Thread.SpinWait(attempt % 32);
            Claim(attempt);
            SpinUntil(ref over, attempt);
        }

        await other;
        claims.Skip(1).Should().OnlyContain(static count => count == 1);

        void Claim(int attempt)
        {
            if (answer.TryClaim(attempt))
            {
                Interlocked.Increment(ref claims[attempt]);
            }
        }
    }

    private static void SpinUntil(ref int value, int expected)
    {
        for (var spinner = default(SpinWait); Volatile.Read(ref value) < expected;)
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }
}
