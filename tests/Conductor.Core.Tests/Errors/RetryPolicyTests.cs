using Conductor.Errors;
using Conductor.Tests.Support;
using CsCheck;
using Polly;
using Polly.Retry;

namespace Conductor.Tests.Errors;

public sealed class RetryPolicyTests
{
    [Theory]
    [InlineData(1000, 60_000, 2.0)]
    [InlineData(250, 10_000, 2.0)]
    [InlineData(3000, 3_600_000, 2.0)]
    public async Task CalculateDelay_WithoutJitter_EqualsPolly(int initialMs, int maxMs, double factor)
    {
        var oracle = new List<TimeSpan>();
        var pipeline = new ResiliencePipelineBuilder { TimeProvider = new ImmediateTimeProvider() }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = RetryPolicy.MaxMaxRetries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = false,
                Delay = TimeSpan.FromMilliseconds(initialMs),
                MaxDelay = TimeSpan.FromMilliseconds(maxMs),
                OnRetry = arguments =>
                {
                    oracle.Add(arguments.RetryDelay);
                    return default;
                },
            })
            .Build();
        await pipeline.ExecuteAsync<int>(_ => throw new InvalidOperationException()).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);

        var policy = new RetryPolicy
        {
            InitialDelay = TimeSpan.FromMilliseconds(initialMs),
            MaxDelay = TimeSpan.FromMilliseconds(maxMs),
            BackoffMultiplier = factor,
            JitterFactor = 0,
        };

        Enumerable.Range(0, RetryPolicy.MaxMaxRetries).Select(attempt => policy.CalculateDelay(attempt)).Should().Equal(oracle);
    }

    [Fact]
    public void Default_HasTheDecidedNumbers()
    {
        var policy = RetryPolicy.Default;

        policy.MaxRetries.Should().Be(3);
        policy.InitialDelay.Should().Be(TimeSpan.FromSeconds(1));
        policy.MaxDelay.Should().Be(TimeSpan.FromSeconds(60));
        policy.BackoffMultiplier.Should().Be(2);
        policy.JitterFactor.Should().Be(0.1);
        policy.RetryableErrors.Should().Equal("LLM_TIMEOUT", "LLM_RATE_LIMIT", "TRANSIENT_ERROR", "AGENT_TIMEOUT");
    }

    [Theory]
    [InlineData(0.0, 4.0)]
    [InlineData(0.5, 4.2)]
    [InlineData(1.0, 4.4)]
    public void CalculateDelay_Jitter_IsAShareAddedToTheBackoff(double roll, double expectedSeconds) =>
        RetryPolicy.Default.CalculateDelay(2, roll).TotalSeconds.Should().BeApproximately(expectedSeconds, 0.0001);

    [Fact]
    public void CalculateDelay_Jitter_IsAddedBeforeTheCap() =>
        RetryPolicy.Default.CalculateDelay(6, 1).Should().Be(TimeSpan.FromSeconds(60));

    [Fact]
    public void CalculateDelay_AnyAttempt_IsBetweenBackoffAndCap() => Gen.Int[0, int.MaxValue].Sample(attempt =>
    {
        var delay = RetryPolicy.Default.CalculateDelay(attempt);
        var floor = Math.Min(60, Math.Pow(2, Math.Min(attempt, 10)));
        return delay.TotalSeconds >= floor - 0.0001 && delay.TotalSeconds <= Math.Min(60, floor * 1.1) + 0.0001;
    });

    [Fact]
    public void CalculateDelay_Default_RollsTheDice() =>
        Enumerable.Range(0, 50).Select(_ => RetryPolicy.Default.CalculateDelay(2)).Distinct().Should().HaveCountGreaterThan(10);

    [Fact]
    public void CalculateDelay_HugeAttempt_DoesNotOverflow() => RetryPolicy.Default.CalculateDelay(int.MaxValue).Should().Be(TimeSpan.FromSeconds(60));

    [Fact]
    public void CalculateDelay_ZeroInitialDelayAtHugeAttempt_DoesNotFail() =>
        new RetryPolicy { InitialDelay = TimeSpan.Zero }.CalculateDelay(int.MaxValue).Should().BeLessThanOrEqualTo(TimeSpan.FromSeconds(60));

    [Fact]
    public void CalculateDelay_NegativeAttempt_IsRefused() =>
        FluentActions.Invoking(() => RetryPolicy.Default.CalculateDelay(-1)).Should().Throw<ArgumentOutOfRangeException>();

    [Theory]
    [InlineData("LLM_TIMEOUT", true)]
    [InlineData("LLM_RATE_LIMIT", true)]
    [InlineData("TRANSIENT_ERROR", true)]
    [InlineData("AGENT_TIMEOUT", true)]
    [InlineData("UNKNOWN_ERROR", false)]
    [InlineData("llm_timeout", false)]
    public void IsRetryable_Code_FollowsTheList(string code, bool expected) => RetryPolicy.Default.IsRetryable(code).Should().Be(expected);

    [Theory]
    [InlineData("TRANSIENT_ERROR", false, false)]
    [InlineData("UNKNOWN_ERROR", true, true)]
    [InlineData("TRANSIENT_ERROR", null, true)]
    [InlineData("UNKNOWN_ERROR", null, false)]
    public void IsRetryable_OwnWord_BeatsTheCode(string code, bool? isTransient, bool expected) =>
        RetryPolicy.Default.IsRetryable(new TaskError { Code = code, Message = "x", IsTransient = isTransient }).Should().Be(expected);

    [Fact]
    public void With_Settings_OverridesOnlyWhatIsSet()
    {
        var policy = RetryPolicy.Default.With(new RetrySettings { MaxRetries = 7, RetryableErrors = ["X"] });

        policy.Should().BeEquivalentTo(RetryPolicy.Default with { MaxRetries = 7, RetryableErrors = ["X"] });
    }

    [Fact]
    public void With_AllSettings_OverridesEverything()
    {
        var policy = RetryPolicy.Default.With(new RetrySettings
        {
            MaxRetries = 1,
            InitialDelay = TimeSpan.FromSeconds(2),
            MaxDelay = TimeSpan.FromSeconds(3),
            BackoffMultiplier = 4,
            JitterFactor = 0.5,
        });

        policy.Should().BeEquivalentTo(new RetryPolicy
        {
            MaxRetries = 1,
            InitialDelay = TimeSpan.FromSeconds(2),
            MaxDelay = TimeSpan.FromSeconds(3),
            BackoffMultiplier = 4,
            JitterFactor = 0.5,
        });
    }

    [Fact]
    public void With_Nothing_IsTheSame() => RetryPolicy.Default.With(null).Should().BeSameAs(RetryPolicy.Default);

    [Fact]
    public void Problems_Defaults_HasNone() => RetryPolicy.Default.Problems("Retry").Should().BeEmpty();

    [Fact]
    public void Problems_AtTheBounds_HasNone() =>
        new RetryPolicy { MaxRetries = 20, InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero, BackoffMultiplier = 1, JitterFactor = 1 }
            .Problems("Retry").Concat(new RetryPolicy { MaxRetries = 0, JitterFactor = 0 }.Problems("Retry")).Should().BeEmpty();

    public static TheoryData<RetryPolicy, string> Invalid() => new()
    {
        { new RetryPolicy { MaxRetries = -1 }, "Retry.MaxRetries is -1; set it to 0 to 20." },
        { new RetryPolicy { MaxRetries = 21 }, "Retry.MaxRetries is 21; set it to 0 to 20." },
        { new RetryPolicy { InitialDelay = TimeSpan.FromSeconds(-1) }, "Retry.InitialDelay is -00:00:01; set it to zero or more." },
        { new RetryPolicy { MaxDelay = TimeSpan.Zero }, "Retry.MaxDelay is 00:00:00; set it to at least InitialDelay (00:00:01)." },
        { new RetryPolicy { BackoffMultiplier = 0.5 }, "Retry.BackoffMultiplier is 0.5; set it to 1 or more." },
        { new RetryPolicy { BackoffMultiplier = double.NaN }, "Retry.BackoffMultiplier is NaN; set it to 1 or more." },
        { new RetryPolicy { BackoffMultiplier = double.PositiveInfinity }, "Retry.BackoffMultiplier is Infinity; set it to 1 or more." },
        { new RetryPolicy { JitterFactor = -0.1 }, "Retry.JitterFactor is -0.1; set it to 0 to 1." },
        { new RetryPolicy { JitterFactor = 1.1 }, "Retry.JitterFactor is 1.1; set it to 0 to 1." },
        { new RetryPolicy { JitterFactor = double.NaN }, "Retry.JitterFactor is NaN; set it to 0 to 1." },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Problems_OutOfRange_QuotesSettingValueAndFix(RetryPolicy policy, string expected) =>
        policy.Problems("Retry").Should().Equal(expected);

    [Fact]
    public void ToPolicy_Options_CarriesEverySettingAndAddsCodes()
    {
        var options = new RetryOptions
        {
            MaxRetries = 9,
            InitialDelay = TimeSpan.FromSeconds(2),
            MaxDelay = TimeSpan.FromSeconds(4),
            BackoffMultiplier = 3,
            JitterFactor = 0.2,
            AdditionalRetryableErrors = { "MINE" },
        };

        options.ToPolicy().Should().BeEquivalentTo(new RetryPolicy
        {
            MaxRetries = 9,
            InitialDelay = TimeSpan.FromSeconds(2),
            MaxDelay = TimeSpan.FromSeconds(4),
            BackoffMultiplier = 3,
            JitterFactor = 0.2,
            RetryableErrors = [.. RetryPolicy.DefaultRetryableErrors, "MINE"],
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(int.MaxValue)]
    public void CalculateDelay_InitialDelayOfZero_IsZeroAtEveryAttempt(int attempt) =>
        new RetryPolicy { InitialDelay = TimeSpan.Zero }.CalculateDelay(attempt).Should().Be(TimeSpan.Zero);
}
