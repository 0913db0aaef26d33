using Conductor.Agents;
using Conductor.Diagnostics;
using Conductor.Policies;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Tests.Policies;

public sealed class PolicyEngineTests
{
    private static readonly DispatchPolicyContext _context = new() { Task = new TaskDefinition { AgentType = AgentType.Coding } };

    private static LambdaPolicy Allowing(string name, bool later = false) => new(name, async () =>
    {
        if (later)
        {
            await Task.Yield();
        }

        return PolicyResult.Allow(name);
    });

    private static LambdaPolicy Denying(string name, bool later = false) => new(name, async () =>
    {
        if (later)
        {
            await Task.Yield();
        }

        return PolicyResult.Deny(name, $"{name} says no");
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EvaluateAllAsync_SomeDeny_GivesEveryResultInOrder(bool later)
    {
        var engine = new PolicyEngine();
        engine.RegisterPolicy(Allowing("a", later));
        engine.RegisterPolicy(Denying("b", later));
        engine.RegisterPolicy(Allowing("c", later));

        var results = await engine.EvaluateAllAsync(_context);

        results.Select(result => (result.PolicyName, result.Allowed)).Should().Equal(("a", true), ("b", false), ("c", true));
        (await engine.CheckAsync(_context)).Should().BeFalse();
    }

    /// <summary>A run that it judges the gate of would neither pass nor fail.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EnforceAsync_PolicyThatCannotSayWhatItsDenialConcerns_DeniesAndIsLogged(bool later)
    {
        var logs = new FakeLogCollector();
        var engine = new PolicyEngine(new ConductorEnvironment(loggerFactory: new FakeLoggerFactory(logs)));
        engine.RegisterPolicy(new AimlessPolicy(later));

        var denial = (await FluentActions.Awaiting(() => engine.EnforceAsync(_context).AsTask()).Should().ThrowAsync<PolicyViolationException>()).Which;

        (denial.PolicyName, denial.Message).Should().Be(("aimless", "Policy 'aimless' denied: no"));
        logs.GetSnapshot().Should().Contain(static log => log.Id.Id == 1501 && log.Exception is InvalidTimeZoneException);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Behaviour", "2")]
    public async Task EnforceAsync_Denial_StopsAtTheFirstAndNamesPolicyAndReason(bool later)
    {
        var engine = new PolicyEngine();
        var last = Denying("c", later);
        engine.RegisterPolicy(Allowing("a", later));
        engine.RegisterPolicy(Denying("b", later));
        engine.RegisterPolicy(last);

        var thrown = await FluentActions.Awaiting(() => engine.EnforceAsync(_context).AsTask()).Should().ThrowAsync<PolicyViolationException>();

        thrown.Which.PolicyName.Should().Be("b");
        thrown.Which.Reason.Should().Be("b says no");
        thrown.Which.ErrorCode.Should().Be("POLICY_VIOLATION");
        last.Calls.Should().Be(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EnforceAsync_AllAllow_ReturnsAfterAskingAll(bool later)
    {
        var engine = new PolicyEngine();
        var policies = new[] { Allowing("a", later), Allowing("b"), Allowing("c", later), Allowing("d") };
        foreach (var policy in policies)
        {
            engine.RegisterPolicy(policy);
        }

        engine.RegisterPolicy(new PhaseGatePolicy());
        await engine.EnforceAsync(_context);

        policies.Should().OnlyContain(policy => policy.Calls == 1);
        (await engine.CheckAsync(_context)).Should().BeTrue();
    }

    [Fact]
    public async Task CheckAsync_NoPolicies_Allows()
    {
        var engine = new PolicyEngine();

        (await engine.CheckAsync(_context)).Should().BeTrue();
        (await engine.EvaluateAllAsync(_context)).Should().BeEmpty();
    }

    [Fact]
    public void RegisterPolicy_SameName_IsRefusedWithTheFix()
    {
        var engine = new PolicyEngine();
        engine.RegisterPolicy(Allowing("a"));

        FluentActions.Invoking(() => engine.RegisterPolicy(Denying("a"))).Should().Throw<InvalidOperationException>()
            .WithMessage("A policy named 'a' is registered already. Unregister it first, or give this one another name.");
        engine.ListPolicies().Should().Equal("a");
    }

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    public void RegisterPolicy_Nameless_IsRefusedWithItsClassAndWhatToGiveIt(string? name)
    {
        var policy = Allowing(name!);

        FluentActions.Invoking(() => new PolicyEngine().RegisterPolicy(policy)).Should().Throw<ArgumentException>().WithParameterName("policy")
            .WithMessage($"{policy.GetType()} has no name: its Policy.Name is null or blank. Let it give a name*");
    }

    [Fact]
    public async Task UnregisterPolicy_AtRunTime_TakesEffect()
    {
        var engine = new PolicyEngine();
        var changes = 0;
        engine.Changed += () => changes++;
        engine.RegisterPolicy(Denying("a"));
        (await engine.CheckAsync(_context)).Should().BeFalse();

        engine.UnregisterPolicy("a").Should().BeTrue();
        engine.UnregisterPolicy("a").Should().BeFalse();
        (await engine.CheckAsync(_context)).Should().BeTrue();
        changes.Should().Be(2);
    }

    [Fact]
    public void GetPolicy_ByName_GivesIt()
    {
        var engine = new PolicyEngine();
        var policy = Allowing("a");
        engine.RegisterPolicy(policy);

        engine.GetPolicy("a").Should().BeSameAs(policy);
        engine.GetPolicy("A").Should().BeNull();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EvaluateAllAsync_PolicyGivesNothing_CountsAsDenial(bool later)
    {
        var engine = new PolicyEngine();
        engine.RegisterPolicy(new LambdaPolicy("silent", () => later ? Later() : new ValueTask<PolicyResult>((PolicyResult)null!)));

        var result = (await engine.EvaluateAllAsync(_context)).Single();

        (result.PolicyName, result.Allowed).Should().Be(("silent", false));
        result.Reason.Should().Contain("no result");

        static async ValueTask<PolicyResult> Later()
        {
            await Task.Yield();
            return null!;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EvaluateAllAsync_PolicyThrows_CountsAsDenialAndIsLogged(bool later)
    {
        var logs = new FakeLogCollector();
        var engine = new PolicyEngine(new ConductorEnvironment(loggerFactory: new FakeLoggerFactory(logs)));
        engine.RegisterPolicy(new LambdaPolicy("broken", () => later ? Later() : throw new InvalidOperationException("bug")));

        var result = (await engine.EvaluateAllAsync(_context)).Single();

        result.Allowed.Should().BeFalse();
        result.Reason.Should().Be("the policy itself failed: bug");
        logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == 1501 && entry.Exception is InvalidOperationException);

        static async ValueTask<PolicyResult> Later()
        {
            await Task.Yield();
            throw new InvalidOperationException("bug");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EvaluateAllAsync_PolicyThrowsWhatCannotSayWhatItIs_CountsAsDenialAndIsLogged(bool later)
    {
        var logs = new FakeLogCollector();
        var engine = new PolicyEngine(new ConductorEnvironment(loggerFactory: new FakeLoggerFactory(logs)));
        engine.RegisterPolicy(new LambdaPolicy("broken", () => later ? Later() : throw new SpeechlessException()));

        var result = (await engine.EvaluateAllAsync(_context)).Single();

        result.Allowed.Should().BeFalse();
        result.Reason.Should().StartWith("the policy itself failed: ").And.Contain(nameof(SpeechlessException));
        logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == 1501 && entry.Exception is SpeechlessException);

        static async ValueTask<PolicyResult> Later()
        {
            await Task.Yield();
            throw new SpeechlessException();
        }
    }

    [Fact]
    public async Task EnforceAsync_PolicyCannotSayWhetherItJudges_IsDenied()
    {
        var engine = new PolicyEngine();
        engine.RegisterPolicy(new UnsurePolicy());

        var denial = await engine.Invoking(asked => asked.EnforceAsync(_context).AsTask()).Should().ThrowAsync<PolicyViolationException>();

        denial.Which.Message.Should().Contain("unsure").And.Contain("the policy itself failed: bug");
    }

    [Fact]
    public async Task RunWorkflow_PolicyCannotSayWhetherItJudgesTheGate_FailsAtTheGate()
    {
        await using var provider = new ServiceCollection().AddConductor().AddPolicy(new UnsurePolicy(onlyGates: true)).Services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        await conductor.Coordinator.RegisterAgentAsync(new DelegateAgent<int, int>((number, _, _) => ValueTask.FromResult(number)), AgentType.Coding);

        var state = await conductor.Workflows.RunWorkflowAsync(WorkflowDefinition.Create("gate")
            .Phase(WorkflowPhase.Development, static tasks => tasks.Task("only", AgentType.Coding, 1))
            .Build());

        state.Status.Should().Be(WorkflowStatus.Failed);
        state.Error!.Code.Should().Be(ErrorCodes.PhaseGateFailed);
        state.TaskResults["only"].IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task EnforceAsync_LaterPolicyDeniesBehindOnesThatDoNotJudge_IsFound()
    {
        var engine = new PolicyEngine();
        engine.RegisterPolicy(Allowing("a", later: true));
        engine.RegisterPolicy(new PhaseGatePolicy());
        engine.RegisterPolicy(Denying("b", later: true));

        (await FluentActions.Awaiting(() => engine.EnforceAsync(_context).AsTask()).Should().ThrowAsync<PolicyViolationException>()).Which.PolicyName
            .Should().Be("b");
    }

    [Fact]
    public async Task CheckAsync_Denial_IsLogged()
    {
        var logs = new FakeLogCollector();
        var engine = new PolicyEngine(new ConductorEnvironment(loggerFactory: new FakeLoggerFactory(logs)));
        engine.RegisterPolicy(Allowing("a"));
        engine.RegisterPolicy(Denying("b"));
        await engine.CheckAsync(_context);

        logs.GetSnapshot().Single(entry => entry.Id.Id == 1500).Message.Should().Be("Policy b denied: b says no");
    }

    [Fact]
    public async Task Members_NullOrEmpty_AreRefusedByName()
    {
        var engine = new PolicyEngine();

        FluentActions.Invoking(() => engine.RegisterPolicy(null!)).Should().Throw<ArgumentNullException>().WithParameterName("policy");
        FluentActions.Invoking(() => engine.UnregisterPolicy("")).Should().Throw<ArgumentException>().WithParameterName("policyName");
        FluentActions.Invoking(() => engine.GetPolicy("")).Should().Throw<ArgumentException>().WithParameterName("policyName");
        await FluentActions.Awaiting(() => engine.EvaluateAllAsync(null!).AsTask()).Should().ThrowAsync<ArgumentNullException>().WithParameterName("context");
        await FluentActions.Awaiting(() => engine.CheckAsync(null!).AsTask()).Should().ThrowAsync<ArgumentNullException>().WithParameterName("context");
        await FluentActions.Awaiting(() => engine.EnforceAsync(null!).AsTask()).Should().ThrowAsync<ArgumentNullException>().WithParameterName("context");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CheckAsync_Cancelled_IsNoDenial(bool later)
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var engine = new PolicyEngine();
        engine.RegisterPolicy(new LambdaPolicy("slow", () => later ? Later() : throw new OperationCanceledException()));

        await FluentActions.Awaiting(() => engine.CheckAsync(_context, cancelled.Token).AsTask()).Should().ThrowAsync<OperationCanceledException>();
        (await engine.CheckAsync(_context)).Should().BeFalse("nobody cancelled it: a time limit inside the policy is the policy's failure");

        static async ValueTask<PolicyResult> Later()
        {
            await Task.Yield();
            throw new OperationCanceledException();
        }
    }

    [Fact]
    public async Task EnforceAsync_TransientDenial_ThrowsAtOnceAndSaysSo()
    {
        var engine = new PolicyEngine();
        engine.RegisterPolicy(new MaxConcurrentTasksPolicy(1));

        var thrown = await FluentActions.Awaiting(() => engine.EnforceAsync(_context with { RunningTasks = 1 }).AsTask())
            .Should().ThrowAsync<PolicyViolationException>();

        thrown.Which.IsTransient.Should().BeTrue();
    }

    /// <summary>Throws when it is asked whether it judges.</summary>
    private sealed class UnsurePolicy(bool onlyGates = false) : Policy
    {
        public override string Name => "unsure";

        public override string Description => "for a test";

        public override bool Judges(PolicyContext context) =>
            onlyGates && context is not GatePolicyContext ? false : throw new InvalidOperationException("bug");

        protected override ValueTask<PolicyResult> EvaluateCoreAsync(PolicyContext context, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("never asked");
    }

    private sealed class LambdaPolicy(string name, Func<ValueTask<PolicyResult>> evaluate) : Policy<DispatchPolicyContext>
    {
        public int Calls { get; private set; }

        public override string Name => name;

        public override string Description => "for a test";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            Calls++;
            return evaluate();
        }
    }

    private sealed class AimlessPolicy(bool later) : Policy<DispatchPolicyContext>
    {
        public override string Name => "aimless";

        public override string Description => "says no";

        public override PolicyTarget Target => throw new InvalidTimeZoneException("nowhere");

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (later)
            {
                await Task.Yield();
            }

            return Denied("no");
        }
    }
}
