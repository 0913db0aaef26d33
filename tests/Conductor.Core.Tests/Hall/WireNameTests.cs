using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using Conductor.Messaging;
using Conductor.Serialization;
using Microsoft.Extensions.Configuration;

namespace Conductor.Tests.Hall;

/// <summary>The open sets: <see cref="AgentType"/> and <see cref="WorkflowPhase"/>.</summary>
public sealed class WireNameTests
{
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("two words")]
    [InlineData("colon:colon")]
    [InlineData("ümlaut")]
    [InlineData("a/b")]
    public void New_BadName_IsAWrongArgument(string name)
    {
        var type = () => new AgentType(name);
        var phase = () => new WorkflowPhase(name);

        type.Should().Throw<ArgumentException>().WithMessage($"*'{name}'*AgentType*");
        phase.Should().Throw<ArgumentException>().WithMessage($"*'{name}'*WorkflowPhase*");
    }

    [Fact]
    public void New_TooLongOrNull_IsAWrongArgument()
    {
        FluentActions.Invoking(() => new AgentType(new string('a', 129))).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new AgentType(null!)).Should().Throw<ArgumentNullException>();
        new AgentType(new string('a', 128)).Name.Should().HaveLength(128);
    }

    [Fact]
    public void New_UpperCase_IsLowered()
    {
        new AgentType("TransLator.v2").Should().Be(new AgentType("translator.V2"));
        new AgentType("TRANSLATOR").Name.Should().Be("translator");
        new WorkflowPhase("DevOps").Should().Be(WorkflowPhase.DevOps);
    }

    [Fact]
    public void New_UnderTurkishCulture_LowersOrdinally()
    {
        var before = Thread.CurrentThread.CurrentCulture;
        try
        {
            Thread.CurrentThread.CurrentCulture = new System.Globalization.CultureInfo(string.Empty) { DateTimeFormat = { ShortDatePattern = "d" } };
            new AgentType("TITLE").Name.Should().Be("title");
        }
        finally
        {
            Thread.CurrentThread.CurrentCulture = before;
        }
    }

    [Fact]
    public void WellKnown_AreTheSevenTypesAndThreePhases()
    {
        AgentType.WellKnown.Select(type => type.Name)
            .Should().Equal("coding", "review", "test_data", "test", "devops", "deploying", "monitor");
        WorkflowPhase.Default.Select(phase => phase.Name).Should().Equal("development", "devops", "monitoring");
    }

    [Fact]
    public void For_WellKnownTypes_GivesTheirPhase_AndNoneForOthers()
    {
        AgentType.WellKnown.Select(type => WorkflowPhase.For(type)!.Value.Name).Should().Equal(
            "development", "development", "development", "development", "devops", "devops", "monitoring");
        WorkflowPhase.For(new AgentType("translator")).Should().BeNull();
        WorkflowPhase.For(default).Should().BeNull();
    }

    [Fact]
    public void Default_IsNamelessAndHashesSafely()
    {
        AgentType type = default;
        WorkflowPhase phase = default;

        type.IsEmpty.Should().BeTrue();
        type.Name.Should().BeEmpty();
        type.ToString().Should().BeEmpty();
        type.GetHashCode().Should().Be(default(AgentType).GetHashCode());
        type.Should().Be(default(AgentType)).And.NotBe(AgentType.Coding);
        new Dictionary<AgentType, int> { [type] = 1 }.Should().ContainKey(default);
        phase.IsEmpty.Should().BeTrue();
        new Dictionary<WorkflowPhase, int> { [phase] = 1 }.Should().ContainKey(default);
    }

    [Fact]
    public void CompareTo_OrdersByNameOrdinally()
    {
        new[] { AgentType.Test, AgentType.Coding, default, AgentType.Review }.Order().Select(type => type.Name)
            .Should().Equal(string.Empty, "coding", "review", "test");
        (AgentType.Coding < AgentType.Test).Should().BeTrue();
        (AgentType.Coding >= AgentType.Test).Should().BeFalse();
        (AgentType.Coding == new AgentType("CODING")).Should().BeTrue();
    }

    [Fact]
    public void Json_AsDictionaryKey_IsTheName()
    {
        var byType = new Dictionary<AgentType, string> { [AgentType.TestData] = "a", [new AgentType("own")] = "b" };
        var byPhase = new Dictionary<WorkflowPhase, string> { [WorkflowPhase.DevOps] = "c" };

        var json = JsonSerializer.Serialize(byType, ConductorJson.Options);

        json.Should().Be("""{"test_data":"a","own":"b"}""");
        JsonSerializer.Deserialize<Dictionary<AgentType, string>>(json, ConductorJson.Options).Should().Equal(byType);
        JsonSerializer.Serialize(byPhase, ConductorJson.Options).Should().Be("""{"devops":"c"}""");
    }

    [Fact]
    public void Json_BadName_IsAJsonError()
    {
        var act = () => JsonSerializer.Deserialize<AgentType>("\"two words\"", ConductorJson.Options);

        act.Should().Throw<JsonException>().WithMessage("*two words*");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    public void Json_NoName_IsAJsonError(string json)
    {
        FluentActions.Invoking(() => JsonSerializer.Deserialize<AgentType>(json, ConductorJson.Options))
            .Should().Throw<JsonException>().WithMessage("*AgentType*has no name*");
        FluentActions.Invoking(() => JsonSerializer.Deserialize<WorkflowPhase>(json, ConductorJson.Options))
            .Should().Throw<JsonException>().WithMessage("*WorkflowPhase*has no name*");
        FluentActions.Invoking(() => JsonSerializer.Deserialize<TaskDefinition>($$"""{"agent_type":{{json}}}""", ConductorJson.Options))
            .Should().Throw<JsonException>().Which.Path.Should().Be("$.agent_type");
        FluentActions.Invoking(() => JsonSerializer.Deserialize<WorkflowDefinition>($$"""{"name":"w","phases":[{{json}}]}""", ConductorJson.Options))
            .Should().Throw<JsonException>().Which.Path.Should().Be("$.phases[0]");
    }

    [Fact]
    public void Json_NoNameAsDictionaryKey_IsAJsonError()
    {
        const string json = """{"":"a"}""";

        FluentActions.Invoking(() => JsonSerializer.Deserialize<Dictionary<AgentType, string>>(json, ConductorJson.Options)).Should().Throw<JsonException>();
        FluentActions.Invoking(() => JsonSerializer.Deserialize<Dictionary<WorkflowPhase, string>>(json, ConductorJson.Options)).Should()
            .Throw<JsonException>();
    }

    [Fact]
    public void Json_OfDefault_IsRefusedToo()
    {
        FluentActions.Invoking(() => JsonSerializer.Serialize(default(AgentType), ConductorJson.Options)).Should().Throw<JsonException>();
        FluentActions.Invoking(() => JsonSerializer.Serialize(default(WorkflowPhase), ConductorJson.Options)).Should().Throw<JsonException>();
        FluentActions.Invoking(() => JsonSerializer.Serialize(new Dictionary<AgentType, string> { [default] = "a" }, ConductorJson.Options))
            .Should().Throw<JsonException>();
        FluentActions.Invoking(() => JsonSerializer.Serialize(new Dictionary<WorkflowPhase, string> { [default] = "a" }, ConductorJson.Options))
            .Should().Throw<JsonException>();
    }

    [Fact]
    public void Json_NullWhereThePhaseIsOptional_IsNoPhase()
    {
        JsonSerializer.Deserialize<WorkflowPhase?>("null", ConductorJson.Options).Should().BeNull();
        JsonSerializer.Deserialize<TaskDefinition>("""{"agent_type":"coding","phase":null}""", ConductorJson.Options)!.Phase.Should().BeNull();
    }

    [Fact]
    public void TypeConverter_FromString_GivesTheType()
    {
        TypeDescriptor.GetConverter(typeof(AgentType)).ConvertFromInvariantString("Translator").Should().Be(new AgentType("translator"));
        TypeDescriptor.GetConverter(typeof(WorkflowPhase)).ConvertFromInvariantString("devops").Should().Be(WorkflowPhase.DevOps);
    }

    [Fact]
    public void Configuration_Value_Binds()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["Type"] = "Review", ["Phase"] = "Monitoring" }).Build();

        configuration.GetValue<AgentType>("Type").Should().Be(AgentType.Review);
        configuration.GetValue<WorkflowPhase>("Phase").Should().Be(WorkflowPhase.Monitoring);
    }

    [Fact]
    public void TryParse_SaysWhetherItIsAName()
    {
        AgentType.TryParse("Own", null, out var type).Should().BeTrue();
        type.Name.Should().Be("own");
        AgentType.TryParse("no name", null, out type).Should().BeFalse();
        type.IsEmpty.Should().BeTrue();
        AgentType.TryParse(null, null, out _).Should().BeFalse();
        WorkflowPhase.TryParse("x:y", null, out _).Should().BeFalse();
    }

    [Theory]
    [InlineData(typeof(AgentType))]
    [InlineData(typeof(WorkflowPhase))]
    public void Operators_FromString_DoNotExist(Type type) =>
        type.GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Where(method => method.Name is "op_Implicit" or "op_Explicit").Should().BeEmpty();

    [Fact]
    public void Channels_WellKnown_AreThoseOfTheContract()
    {
        Channels.Agent("a").Should().Be("conductor:agent:a");
        Channels.Broadcast.Should().Be("conductor:broadcast");
        Channels.Phase(WorkflowPhase.DevOps).Should().Be("conductor:phase:devops");
        Channels.Workflow("r").Should().Be("conductor:workflow:r");
        Channels.Errors.Should().Be("conductor:errors");
        Channels.DeadLetters.Should().Be("conductor:dlq");
    }
}
